"""Conformance of the attack with the contract of every SafeCompress attacker."""

from safecompress_core.testing import AttackerConformance
from safecompress_example_attacker.manifest import CONFIDENCE_GAP


class TestConfidenceGap(AttackerConformance):
    """A light manifest; finds what there is to find, and nothing where there is nothing."""

    definition = CONFIDENCE_GAP
