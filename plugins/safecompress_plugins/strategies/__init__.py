"""Initial topologies, prune rules and grow rules."""
