"""The demonstration dataset: pictures that come with labelloop, and what is known to be wrong with them."""
