"""Python calls: what the command line does, with results as objects."""
