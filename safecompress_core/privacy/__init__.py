"""What a model gives away: pools, observations, games, and the statistics of the verdict."""
