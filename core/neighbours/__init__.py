"""Neighbours: which embeddings lie close to one another by cosine. NumPy alone; knows no store and no files."""
