"""What computes the segments of a stage: PyTorch, or another engine behind the same interface."""
