"""Comparisons of many runs: variants, densities and seeds of one base spec."""
