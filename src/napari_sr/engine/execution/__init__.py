"""A run: planes, tiles and stages on their way through a network."""
