"""File formats of light and electron microscopes and medical scanners: one module each."""
