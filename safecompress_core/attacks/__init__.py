"""Attacks: adversaries, their observations of a model, and the signals they compute."""
