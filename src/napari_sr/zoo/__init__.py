"""Known checkpoints and their training data; downloading, reading and recognising files."""
