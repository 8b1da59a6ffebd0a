"""Reading images safely and making thumbnails. Pillow only."""
