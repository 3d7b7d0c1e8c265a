"""Formats that a finished model is exported to."""
