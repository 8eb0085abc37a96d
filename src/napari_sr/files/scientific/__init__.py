"""Files of microscopes, scanners and electron microscopes: one module for each kind of file."""
