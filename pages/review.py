"""review: being built."""

from dashboard import frame

frame.begin()
