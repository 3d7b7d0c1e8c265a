"""Results of a run: directory, checkpoints, events, checksums, environment and gates."""
