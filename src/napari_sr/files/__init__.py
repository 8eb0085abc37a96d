"""Reading and writing image files, with what they say about pixel size, axes and channels."""
