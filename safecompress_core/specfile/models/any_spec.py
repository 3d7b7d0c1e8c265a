"""A spec of any kind: whether it is valid, without running anything."""

from collections.abc import Sequence
from dataclasses import dataclass

from safecompress_core.errors import SpecError
from safecompress_core.specfile.checks.kinds import SpecKind
from safecompress_core.specfile.checks.membership_checks import warn_of_unused_membership
from safecompress_core.specfile.load import compose_spec, load_any_spec
from safecompress_core.specfile.models.comparison import load_comparison
from safecompress_core.specfile.models.components import Definitions
from safecompress_core.specfile.problems import LocatedProblem
from safecompress_core.specfile.yaml.overrides import Overrides
from safecompress_core.specfile.yaml.source import WrittenSpec

__all__ = ["Validation", "validate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """What is wrong with a spec.

    Attributes:
        problems: all that was found, in the order of the file; none of a valid spec.
        warning: what is questionable about a valid spec; empty where nothing is.
    """

    problems: tuple[LocatedProblem, ...] = ()
    warning: str = ""


def validate(
    written: WrittenSpec,
    *,
    overrides: Overrides = (),
    registry: Definitions,
    skipped: Sequence[object] = (),
    allow_code: bool = False,
) -> Validation:
    """Check the spec of a run, an audit or a comparison.

    Args:
        written: a YAML file, or a dictionary as YAML would give it.
        overrides: ``a.b=c`` each, or values by their fields; applied before validation.
        registry: what a spec may name.
        skipped: plugins that were not used; shown where a name is unknown.
        allow_code: whether the spec may import code that it names.
    """
    try:
        composed = compose_spec(written, overrides)
        if composed.kind is SpecKind.COMPARE:
            load_comparison(composed, registry=registry, skipped=skipped, allow_code=allow_code)
            return Validation()
        loaded = load_any_spec(composed, registry=registry, skipped=skipped, allow_code=allow_code)
    except SpecError as error:
        return Validation(problems=error.problems)
    return Validation(warning=warn_of_unused_membership(loaded.spec))
