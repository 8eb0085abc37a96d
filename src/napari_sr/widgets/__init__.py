"""Forms for napari: no computation."""
