"""Images as arrays: axes, data types, value ranges, colour, geometry."""
