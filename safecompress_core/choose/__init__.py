"""Choosing among candidates: objectives, aggregators, the archive, and what is significant."""
