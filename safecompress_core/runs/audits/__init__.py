"""Models that the owner of an audited model trains: references, and a swap twin."""
