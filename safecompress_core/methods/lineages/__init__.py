"""Lineages: models that are trained with settings of their own, tested, and chosen among."""
