"""Losses: one file each, with a record `LOSS` at its end; the file's name is its `kind`."""
