"""Arrays: archives, programs and what ships with scikit-learn."""
