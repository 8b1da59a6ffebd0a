"""Evaluation: arithmetic on predictions. No torch, no store, no drawing."""
