"""Consistency of a result with its source: what differs if the result is shrunk again."""
