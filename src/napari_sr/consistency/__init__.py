"""Consistency of a result with its source: the result is downscaled ("shrunk") and compared."""
