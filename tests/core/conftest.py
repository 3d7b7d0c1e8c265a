"""Fixtures of the core tests; those that train need torch, which the base environment lacks."""

from importlib.util import find_spec

from tests.core.fixtures.small_run import *  # noqa: F403 - pytest finds fixtures by name

if find_spec("torch"):
    from tests.core.fixtures.audited_models import *  # noqa: F403
    from tests.core.fixtures.digits import *  # noqa: F403
    from tests.core.fixtures.training import *  # noqa: F403
