"""Fine-tuning of a network on images in memory, for some minutes."""
