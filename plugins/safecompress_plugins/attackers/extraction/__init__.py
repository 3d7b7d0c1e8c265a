"""Model extraction attacks."""
