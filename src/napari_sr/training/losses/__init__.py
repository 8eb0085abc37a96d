"""Losses: one file each, with a record `LOSS` at its foot; the file's name is its `kind`."""
