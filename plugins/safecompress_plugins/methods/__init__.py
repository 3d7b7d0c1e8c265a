"""Ways to a compressed model that test nothing on the way: what the tests are compared with."""
