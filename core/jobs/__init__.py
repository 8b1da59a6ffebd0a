"""Jobs: background work as folders and separate processes that outlive whoever started them."""
