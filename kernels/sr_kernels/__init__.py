"""Fused GPU kernels for super-resolution networks, usable without the plugin."""
