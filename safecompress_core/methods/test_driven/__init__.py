"""Test-driven compression: candidates, their evaluation, the selection of each round, the loop."""
