"""Display of a run: progress meanwhile, tables and verdict at the end."""
