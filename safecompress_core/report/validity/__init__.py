"""Limits of what figures mean: inverted attacks, and members that differ without the model."""
