"""OME-Zarr images: read window by window, and written block by block with their pyramid."""
