"""Model inversion attacks."""
