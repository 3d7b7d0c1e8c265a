"""Fixtures of the core tests; those that train need torch, which the base environment lacks."""

from importlib.util import find_spec

if find_spec("torch"):
    from tests.core.fixtures.audited_models import *  # noqa: F403 - pytest finds fixtures by name
    from tests.core.fixtures.digits import *  # noqa: F403
    from tests.core.fixtures.training import *  # noqa: F403
