"""Samples: data sets, labels, duplicates, canaries, and the pools they are split into."""
