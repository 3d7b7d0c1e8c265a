"""Statistics: ROC curves, confidence intervals and resampling."""
