"""pydantic models of specs: runs, audits, comparisons, and the components that they name."""
