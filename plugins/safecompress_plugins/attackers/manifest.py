"""The built-in attackers, whatever they are after."""

from safecompress_plugins.attackers import (
    attribute_manifest,
    basket_manifest,
    compression_manifest,
    label_only_manifest,
    membership_manifest,
    other_games_manifest,
    reference_manifest,
)

__all__ = ["DEFINITIONS"]

DEFINITIONS = (
    *membership_manifest.DEFINITIONS,
    *reference_manifest.DEFINITIONS,
    *attribute_manifest.DEFINITIONS,
    *compression_manifest.DEFINITIONS,
    *label_only_manifest.DEFINITIONS,
    *basket_manifest.DEFINITIONS,
    *other_games_manifest.DEFINITIONS,
)
