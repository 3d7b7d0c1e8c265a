"""Simulated attacks."""
