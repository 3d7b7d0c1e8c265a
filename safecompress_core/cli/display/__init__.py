"""What a person sees of a run: progress while it lasts, tables and words when it is done."""
