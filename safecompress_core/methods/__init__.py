"""Methods: how a compressed model is made, phase by phase, and the methods that core ships."""
