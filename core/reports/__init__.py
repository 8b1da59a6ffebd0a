"""Reports: one file that opens without a network and can be sent. No store, no drawing library."""
