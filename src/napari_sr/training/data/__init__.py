"""Training data: pictures, degradations, and the crops of every step."""
