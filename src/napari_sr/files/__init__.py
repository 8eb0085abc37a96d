"""Image files, read and written with their pixel size, axes, channels and other metadata."""
