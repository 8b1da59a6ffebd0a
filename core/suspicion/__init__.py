"""Suspicion: how likely each label is wrong, how many wrong ones are left, what more work would bring. NumPy and SciPy.

Models are handed in as functions: nothing here knows embeddings, stores or files.
"""
