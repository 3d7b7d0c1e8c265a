"""Defences that add an output guard to the model."""
