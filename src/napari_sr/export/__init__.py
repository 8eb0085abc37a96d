"""Networks in other programs' formats."""
