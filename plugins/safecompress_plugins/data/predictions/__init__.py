"""Predictions of a model, in files."""
