"""Code that forms share."""
