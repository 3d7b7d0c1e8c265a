"""Where weights start, which are pruned, which are grown."""
