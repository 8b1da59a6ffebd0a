"""import_data: being built."""

from dashboard import frame

frame.begin()
