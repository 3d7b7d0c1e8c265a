"""What every SafeCompress attacker is held against, its own included."""

from safecompress_core.testing import AttackerConformance
from safecompress_example_attacker.manifest import CONFIDENCE_GAP


class TestConfidenceGap(AttackerConformance):
    """A light manifest; finds what there is to find, and nothing where there is nothing."""

    definition = CONFIDENCE_GAP
