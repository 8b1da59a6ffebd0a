"""Where datasets live: FiftyOne's collections in MongoDB, or memory, behind one protocol."""
