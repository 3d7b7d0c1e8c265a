"""Behaviours that compression changed, as tables, figures and words."""
