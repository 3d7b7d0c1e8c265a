"""From a file to a spec that is known to be right."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from safecompress_core.errors import SpecError
from safecompress_core.spec.checks import check
from safecompress_core.spec.components import Definitions
from safecompress_core.spec.hosting import check_hosting
from safecompress_core.spec.model import RunSpec, build_spec_model
from safecompress_core.spec.nodes import Node
from safecompress_core.spec.outside import check_code
from safecompress_core.spec.overrides import overridden
from safecompress_core.spec.problems import Problem, SpecPath
from safecompress_core.spec.source import read
from safecompress_core.spec.translate import translated

__all__ = ["LoadedSpec", "in_order", "load_spec", "validated"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedSpec:
    """A spec without problems.

    Attributes:
        spec: its values; each component is an instance of its definition's parameters.
        resolved: the same as JSON, with every default written out; it loads as the same spec.
        root: where each value was written.
        allow_code: whether it may import code that it names.
    """

    spec: RunSpec
    resolved: dict[str, Any]
    root: Node
    allow_code: bool = False

    def problem(self, path: SpecPath, message: str, mend: str) -> Problem:
        """A problem that only a run could find, at the place of the value that caused it."""
        return self.root.mark_of(path).problem(path, message, mend)


def load_spec(
    path: Path,
    *,
    overrides: Sequence[str] = (),
    registry: Definitions,
    skipped: Sequence[object] = (),
    allow_code: bool = False,
) -> LoadedSpec:
    """Read, extend, override, validate and check a spec.

    Args:
        path: the YAML file; what it extends is found relative to it.
        overrides: ``a.b=c``, applied in order before validation.
        registry: what a spec may name.
        skipped: plugins that were not used; shown where a name is unknown.
        allow_code: whether the spec may import code that it names: for the user to say, never for
            the spec.

    Raises:
        SpecError: with every problem found, in the order of the file.
    """
    source = read(path)
    if source.root is None:
        raise SpecError(in_order(source.problems, path))
    root = overridden(source.root, overrides, source.problems)
    return validated(
        root,
        source.problems,
        path=path,
        registry=registry,
        skipped=skipped,
        allow_code=allow_code,
    )


def validated(
    root: Node,
    found: Sequence[Problem],
    *,
    path: Path,
    registry: Definitions,
    skipped: Sequence[object] = (),
    allow_code: bool = False,
) -> LoadedSpec:
    """A spec that has been read, validated and checked.

    Args:
        root: its values.
        found: what is known to be wrong with them already.
        path: the file that was asked for; its problems come first.
        registry: what a spec may name.
        skipped: plugins that were not used.
        allow_code: whether it may import code that it names.

    Raises:
        SpecError: with every problem found, in the order of the file.
    """
    problems = list(found)
    model = build_spec_model(registry)
    try:
        spec = model.model_validate(root.plain())
    except ValidationError as error:
        problems += translated(error, root=root, model=model, skipped=skipped)
        raise SpecError(in_order(problems, path)) from None
    refused = () if allow_code else check_code(spec)
    found_in_parts = (*check(spec), *check_hosting(spec, registry), *refused)
    problems += [finding.problem(root) for finding in found_in_parts]
    if problems:
        raise SpecError(in_order(problems, path))
    resolved = _type_first(spec.model_dump(mode="json", by_alias=True))
    return LoadedSpec(spec=spec, resolved=resolved, root=root, allow_code=allow_code)


def in_order(problems: Sequence[Problem], path: Path) -> list[Problem]:
    """By position; the file that was asked for comes before those it extends."""
    return sorted(problems, key=lambda problem: (problem.file != str(path), problem))


def _type_first(value: Any) -> Any:
    """The same mappings with ``type`` as their first key, as a person writes them."""
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: key != "type")
        return {key: _type_first(value[key]) for key in keys}
    if isinstance(value, list):
        return [_type_first(item) for item in value]
    return value
