"""Contexts: data, pools, models and components, built once from a spec."""
