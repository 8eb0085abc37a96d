"""Upscale one image file, whole or block by block, or the files of a folder."""
