"""Finishers: stages that a chosen model goes through before it is stored and audited."""
