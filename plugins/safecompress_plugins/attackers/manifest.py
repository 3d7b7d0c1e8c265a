"""The built-in attackers of every game."""

from safecompress_plugins.attackers.attribute.manifest import DEFINITIONS as ATTRIBUTE
from safecompress_plugins.attackers.ensemble.manifest import DEFINITIONS as ENSEMBLE
from safecompress_plugins.attackers.evasion.manifest import DEFINITIONS as EVASION
from safecompress_plugins.attackers.extraction.manifest import DEFINITIONS as EXTRACTION
from safecompress_plugins.attackers.inversion.manifest import DEFINITIONS as INVERSION
from safecompress_plugins.attackers.membership.compression_manifest import (
    DEFINITIONS as COMPRESSION,
)
from safecompress_plugins.attackers.membership.label_only_manifest import (
    DEFINITIONS as LABEL_ONLY,
)
from safecompress_plugins.attackers.membership.manifest import DEFINITIONS as MEMBERSHIP
from safecompress_plugins.attackers.membership.reference_manifest import DEFINITIONS as REFERENCE

__all__ = ["DEFINITIONS"]

DEFINITIONS = (
    *MEMBERSHIP,
    *REFERENCE,
    *ATTRIBUTE,
    *COMPRESSION,
    *LABEL_ONLY,
    *ENSEMBLE,
    *EVASION,
    *INVERSION,
    *EXTRACTION,
)
