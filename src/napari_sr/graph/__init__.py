"""A network as a chain of links: how it is written, run, and what it costs."""
