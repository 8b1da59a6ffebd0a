"""Run and job folders: every file name in them, and what their state is. No torch, no store."""
