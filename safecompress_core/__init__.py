"""Implementation of SafeCompress; ``safecompress`` is its public face."""
