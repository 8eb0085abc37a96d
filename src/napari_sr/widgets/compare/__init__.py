"""Comparison of two image layers: slider, side by side, blink, figures, profile."""
