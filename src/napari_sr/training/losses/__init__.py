"""Losses: one file each, whose record `LOSS` at its foot is found by the file's name."""
