"""Training: losses, data, trainer."""
