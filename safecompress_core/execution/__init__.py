"""Execution of units of work: here, in processes of this machine, or on a Ray cluster."""
