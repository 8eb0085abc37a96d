"""The form that upscales a layer."""
