"""Known checkpoints, with sources and training data; download, read and recognise files."""
