"""Units that stand in for work, in a module that worker processes can import."""

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def stand_ins() -> Iterator[ModuleType]:
    """The module of the units; processes look for modules where this one does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parent))
        import stand_in_units

        yield stand_in_units
