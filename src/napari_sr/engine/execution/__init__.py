"""The run itself: a plane goes through a network in tiles and stages."""
