"""Forms for napari; they compute nothing themselves."""
