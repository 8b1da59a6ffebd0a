"""fiftyone_app: being built."""

from dashboard import frame

frame.begin()
