"""The engine: it plans runs, reads planes and computes tiles; it uses neither Qt nor napari."""
