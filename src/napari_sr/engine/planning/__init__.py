"""What a run will do, decided before the first pixel: device, tiles, stages, memory."""
