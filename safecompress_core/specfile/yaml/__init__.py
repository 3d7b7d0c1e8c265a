"""YAML text as nodes with positions, through ``extends`` and overrides."""
