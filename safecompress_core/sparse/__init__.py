"""Sparse training: which weights exist, how that changes, and how they are stored."""
