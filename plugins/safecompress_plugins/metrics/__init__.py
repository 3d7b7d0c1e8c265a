"""Metrics of a model other than attacks."""
