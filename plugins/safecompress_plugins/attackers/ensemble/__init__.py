"""Ensembles of attackers of one game."""
