"""First specs: what a user's files look like, and a commented spec that fits them. No torch."""
