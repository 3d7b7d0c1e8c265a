"""Race of lineages in a report: its history, and the table of it."""
