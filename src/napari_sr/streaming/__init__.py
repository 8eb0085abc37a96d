"""Images larger than memory: block by block, resumable, in one process or many."""
