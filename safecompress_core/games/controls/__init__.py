"""Controls: attacks whose outcome is known in advance, and which void a verdict."""
