"""Known checkpoints: where they are, what they were trained on, and how to get them."""
