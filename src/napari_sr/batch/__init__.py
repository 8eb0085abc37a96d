"""Upscale image files: one, whole or by blocks, or all that match a pattern in a folder."""
