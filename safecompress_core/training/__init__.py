"""Training of one model: state, steps, defences, precision and learning rate."""
