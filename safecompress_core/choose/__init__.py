"""Choosing among candidates: objectives, aggregators, archive, rankings and significance."""
