"""Runs a spec: trains, tests, chooses, audits, and keeps what it did."""
