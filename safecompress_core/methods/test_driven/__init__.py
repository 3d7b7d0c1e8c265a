"""Test-driven compression: the field, its rounds, candidates, the loop."""
