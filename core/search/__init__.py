"""Search for hyperparameters: trials are ordinary runs, chosen on validation; the test split is looked at once."""
