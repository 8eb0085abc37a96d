"""Advice before a run: what an image is like, and which model suits it."""
