"""``safecompress.validate``: every problem of a spec."""

from safecompress_core.cli.discovery import discover_plugins
from safecompress_core.python.arguments import GivenPath, GivenSpec, find_spec, optional_path
from safecompress_core.specfile.models import any_spec
from safecompress_core.specfile.problems import LocatedProblem
from safecompress_core.specfile.yaml.overrides import Overrides

__all__ = ["validate"]


def validate(
    spec: GivenSpec,
    *,
    overrides: Overrides = (),
    allow_code: bool = False,
    plugins_dir: GivenPath | None = None,
) -> list[LocatedProblem]:
    """Check the spec of a run, an audit or a comparison, without running anything.

    Args:
        spec: the path of a YAML file, the name of a spec that ships, or a dictionary.
        overrides: ``{"training.epochs": 50}``, or ``["training.epochs=50"]`` as ``--set`` takes it.
        allow_code: whether the spec may name code of its own.
        plugins_dir: a folder of single-file plugins that are loaded as well.

    Returns:
        Every problem with its path, message and hint, and with file, line and column where the
        value stands in a file; an empty list for a valid spec.

    Raises:
        PluginError: if plugins conflict.
    """
    host = discover_plugins(optional_path(plugins_dir))
    validation = any_spec.validate(
        find_spec(spec),
        overrides=overrides,
        registry=host.registry,
        skipped=host.skipped,
        allow_code=allow_code,
    )
    return list(validation.problems)
