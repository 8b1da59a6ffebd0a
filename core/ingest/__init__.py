"""Import: what a folder holds, one outcome a file, nothing of the user's moved or changed."""
