"""Audit of finished models: fresh attackers on a pool that selected nothing."""
