"""What both forms share."""
