"""The plan of a run, made before the first pixel: device, tiles, stages, memory."""
