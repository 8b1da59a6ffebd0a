"""Snapshots: frozen, hashed manifests of samples, labels and splits. Training sees nothing else of a dataset."""
