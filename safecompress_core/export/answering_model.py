"""Model that answers every input and shows nothing else: an exported file, or its source."""

from safecompress_core.api import GRAY_BOX, Access, Need
from safecompress_core.games.play import Attack
from safecompress_core.networks.classifier import BlackBoxModel

__all__ = ["AnsweringModel", "missing_needs"]

GIVEN = GRAY_BOX | {Need.ENCODING, Need.CONTINUOUS_INPUTS, Need.REFERENCE_DATA, Need.CODE}
"""What an attacker can have next to a file: the model's answers, and what is no part of a model."""


class AnsweringModel(BlackBoxModel):
    """A black-box model that answers inputs of the adversary's choosing as well.

    An audit of a foreign file stays black-box, so that one word means one thing in all reports. An
    export is compared with its own model, which is restricted in the same way.
    """

    @property
    def access(self) -> Access:
        """Answers to any input."""
        return Access.GRAY_BOX


def missing_needs(attack: Attack) -> tuple[Need, ...]:
    """Return what an attack needs and answers alone do not give; empty if they suffice."""
    return tuple(sorted(attack.needs - GIVEN, key=list(Need).index))
