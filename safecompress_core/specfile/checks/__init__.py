"""Checks of a valid spec: its parts must fit each other."""
