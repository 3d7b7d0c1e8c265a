"""Attribute inference attacks."""
