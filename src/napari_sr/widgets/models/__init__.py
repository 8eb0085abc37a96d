"""The form *Models*: a table of all models, downloads, imports and speeds."""
