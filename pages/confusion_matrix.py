"""confusion_matrix: being built."""

from dashboard import frame

frame.begin()
