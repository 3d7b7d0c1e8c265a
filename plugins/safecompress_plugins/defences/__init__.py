"""Defences: changes of training and output guards that reduce leakage."""
