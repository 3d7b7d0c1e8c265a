"""Figures of a report: their data, their drawing, and their SVG."""
