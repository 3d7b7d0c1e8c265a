"""Arrays: archives, user functions, and the digits of scikit-learn."""
