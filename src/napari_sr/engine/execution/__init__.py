"""Execution of a run: planes are computed by a network, in tiles and stages."""
