"""Judging: metrics, benchmark sets, tables."""
