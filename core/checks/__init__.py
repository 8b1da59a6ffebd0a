"""Checks: what is wrong with a dataset's pictures, files and splits. Raw value, score and decision are kept apart."""
