"""An example of a SafeCompress plugin: the membership attack ``confidence-gap``."""
