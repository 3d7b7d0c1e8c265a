"""Measures of games: membership details, baselines of attributes, similarity of images."""
