"""Models that are Python objects: their answers, and how an audit knows them."""
