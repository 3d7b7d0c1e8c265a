"""Model files: formats, storage, and the way from a file to a network."""
