"""Tables: one sample a row."""
