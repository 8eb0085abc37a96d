"""Execution of a run: a network computes planes in tiles and stages."""
