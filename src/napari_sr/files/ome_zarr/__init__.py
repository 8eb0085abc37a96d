"""OME-Zarr images: read window by window, written block by block with their pyramid."""
