"""What networks learn from: pictures, what shrinks them, and the crops of every step."""
