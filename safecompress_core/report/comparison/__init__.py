"""Comparisons for people: tables, figures, text and a page, functions of ``comparison.json``."""
