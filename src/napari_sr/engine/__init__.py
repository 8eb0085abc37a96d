"""Reading, tiling and running: no Qt, no napari."""
