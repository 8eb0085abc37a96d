"""Engines that compute the segments of a stage: PyTorch or others, behind one interface."""
