"""Changes of training that make a model give less away."""
