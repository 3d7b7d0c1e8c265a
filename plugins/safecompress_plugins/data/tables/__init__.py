"""Tables, with one sample per row."""
