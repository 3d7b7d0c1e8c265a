"""Measures of a model that are no attacks."""
