"""Review: decisions with their journal, and the queues that bring the images that matter."""
