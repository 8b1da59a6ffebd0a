"""Mirrors of run folders in MLflow, Comet and TensorBoard, and alerts by rule. The run folder stays the truth."""
