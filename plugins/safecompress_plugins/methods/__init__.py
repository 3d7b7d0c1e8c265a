"""Compression methods without tests, for comparison with test-driven training."""
