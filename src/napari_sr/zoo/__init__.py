"""Known checkpoints: sources, training data, downloads; reading and recognising files."""
