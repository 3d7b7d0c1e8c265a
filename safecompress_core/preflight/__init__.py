"""Preflight checks: every reason not to start a run or an audit, before training."""
