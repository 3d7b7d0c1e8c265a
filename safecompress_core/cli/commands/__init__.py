"""Commands, a module each, imported when they are called."""
