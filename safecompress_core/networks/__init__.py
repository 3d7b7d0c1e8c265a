"""Networks: classifiers, their layers that may be sparse, and the output guard."""
