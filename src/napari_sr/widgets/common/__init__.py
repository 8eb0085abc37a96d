"""Code that both forms share."""
