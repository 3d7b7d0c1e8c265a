"""Runs, audits of finished models, reference models, step timing and verification."""
