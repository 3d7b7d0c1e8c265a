"""From a file to a spec that is known to be right."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any, Generic

from pydantic import ValidationError
from typing_extensions import TypeVar

from safecompress_core.api import Kind, Params
from safecompress_core.errors import SpecError
from safecompress_core.problems import Problem
from safecompress_core.specfile.checks.audit_spec_checks import check_audit
from safecompress_core.specfile.checks.hosting import check_hosting
from safecompress_core.specfile.checks.kinds import SpecKind, kind_of, wrong_command_problem
from safecompress_core.specfile.checks.spec_checks import check
from safecompress_core.specfile.models.audit_spec import AuditSpec, build_audit_model
from safecompress_core.specfile.models.components import Definitions
from safecompress_core.specfile.models.run_spec import RunSpec, build_spec_model
from safecompress_core.specfile.outside import check_code
from safecompress_core.specfile.problems import LocatedProblem, SpecPath
from safecompress_core.specfile.translate import translate_errors
from safecompress_core.specfile.yaml.composer import MAX_PROBLEMS
from safecompress_core.specfile.yaml.nodes import Mark, Node
from safecompress_core.specfile.yaml.overrides import (
    Overlay,
    Overrides,
    apply_overlays,
    apply_overrides,
)
from safecompress_core.specfile.yaml.plain_values import DICTIONARY
from safecompress_core.specfile.yaml.source import WrittenSpec, read

__all__ = [
    "Composed",
    "LoadedSpec",
    "compose_spec",
    "in_order",
    "load_any_spec",
    "load_audit_spec",
    "load_spec",
    "validate_spec",
]

Spec = TypeVar("Spec", bound=Params, default=RunSpec)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedSpec(Generic[Spec]):
    """A spec without problems.

    Attributes:
        spec: its values; each component is an instance of its definition's parameters.
        resolved: the same as JSON, with every default written out; it loads as the same spec.
        root: where each value was written.
        allow_code: whether it may import code that it names.
    """

    spec: Spec
    resolved: dict[str, Any]
    root: Node
    allow_code: bool = False

    def problem(self, path: SpecPath, message: str, hint: str) -> LocatedProblem:
        """A problem that only a run could find, at the place of the value that caused it."""
        return self.root.mark_of(path).problem(path, message, hint)


@dataclass(frozen=True, slots=True, kw_only=True)
class Composed:
    """A spec that is read, extended and overridden, and not yet validated.

    Attributes:
        path: the file that was asked for; of a dictionary what problems name instead of one.
        root: its values.
        problems: what was wrong with the text and the overrides.
    """

    path: Path
    root: Node
    problems: list[LocatedProblem]

    @property
    def kind(self) -> SpecKind:
        """Return the kind of the spec."""
        return kind_of(self.root)

    def require(self, wanted: SpecKind) -> None:
        """Refuse a spec that is for another command, whatever else is wrong with it.

        Raises:
            SpecError: with one problem, which names the command.
        """
        # Before validation: a spec of another kind would only show follow-up problems.
        problem = wrong_command_problem(self.root, wanted)
        if problem is not None:
            raise SpecError([problem])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sort(Generic[Spec]):
    """A kind of specs: its model, and whether its parts fit each other."""

    build: Callable[[Definitions], type[Spec]]
    check: Callable[[Spec, Definitions], Iterator[Problem]]


def _check_run(spec: RunSpec, registry: Definitions) -> Iterator[Problem]:
    yield from check(spec, registry.definitions(Kind.GAME))
    yield from check_hosting(spec, registry)


def _check_audit(spec: AuditSpec, registry: Definitions) -> Iterator[Problem]:
    yield from check_audit(spec, registry.definitions(Kind.GAME))


RUN = _Sort(build=build_spec_model, check=_check_run)
AUDIT = _Sort(build=build_audit_model, check=_check_audit)


def load_spec(
    path: Path | Composed,
    *,
    overrides: Sequence[str] = (),
    registry: Definitions,
    skipped: Sequence[object] = (),
    allow_code: bool = False,
) -> LoadedSpec:
    """Read, extend, override, validate and check the spec of a run.

    Args:
        path: the YAML file, or what was read of it; what it extends is found relative to it.
        overrides: ``a.b=c``, applied in order before validation.
        registry: what a spec may name.
        skipped: plugins that were not used; shown where a name is unknown.
        allow_code: whether the spec may import code that it names: for the user to say, never for
            the spec.

    Raises:
        SpecError: with every problem found, in the order of the file.
    """
    # Python calls have composed it already, since theirs may be a dictionary.
    spec = path if isinstance(path, Composed) else compose_spec(path, overrides)
    spec.require(SpecKind.RUN)
    return _validate(
        RUN,
        spec.root,
        spec.problems,
        path=spec.path,
        registry=registry,
        skipped=skipped,
        allow_code=allow_code,
    )


def load_audit_spec(
    path: Path | Composed,
    *,
    overrides: Sequence[str] = (),
    laid: Sequence[Overlay] = (),
    registry: Definitions,
    skipped: Sequence[object] = (),
    allow_code: bool = False,
) -> LoadedSpec[AuditSpec]:
    """The same for the spec of an audit.

    Args:
        path: as for `load_spec`, or what was read of it; all others but one are as there.
        overrides: likewise.
        laid: what the command and the model's file say in addition; laid over the overrides.
        registry: likewise.
        skipped: likewise.
        allow_code: likewise.

    Raises:
        SpecError: with every problem found, in the order of the file.
    """
    # A command may have composed it already, to learn its kind.
    spec = path if isinstance(path, Composed) else compose_spec(path, overrides)
    spec.require(SpecKind.AUDIT)
    return _validate(
        AUDIT,
        # Options come last, since they override the file and --set.
        apply_overlays(spec.root, laid, spec.problems),
        spec.problems,
        path=spec.path,
        registry=registry,
        skipped=skipped,
        allow_code=allow_code,
    )


def load_any_spec(
    path: Path | Composed,
    *,
    overrides: Sequence[str] = (),
    registry: Definitions,
    skipped: Sequence[object] = (),
    allow_code: bool = False,
) -> LoadedSpec[Any]:
    """The same for a spec that says by ``kind`` what it is for; ``path`` may be read already.

    Raises:
        SpecError: with every problem found, in the order of the file.
    """
    spec = path if isinstance(path, Composed) else compose_spec(path, overrides)
    sort: _Sort[Any] = AUDIT if spec.kind is SpecKind.AUDIT else RUN
    return _validate(
        sort,
        spec.root,
        spec.problems,
        path=spec.path,
        registry=registry,
        skipped=skipped,
        allow_code=allow_code,
    )


def validate_spec(
    root: Node,
    *,
    path: Path,
    registry: Definitions,
    skipped: Sequence[object] = (),
    allow_code: bool = False,
) -> LoadedSpec:
    """The spec of a run that has been composed already, validated and checked.

    Args:
        root: its values.
        path: the file that was asked for; its problems come first.
        registry: as for `load_spec`.
        skipped: likewise.
        allow_code: likewise.

    Raises:
        SpecError: with every problem found, in the order of the file.
    """
    return _validate(
        RUN,
        root,
        (),
        path=path,
        registry=registry,
        skipped=skipped,
        allow_code=allow_code,
    )


def compose_spec(spec: WrittenSpec, overrides: Overrides) -> Composed:
    """Read a spec with what it extends, and lay the overrides over it.

    Args:
        spec: a YAML file, or a dictionary as YAML would give it.
        overrides: ``a.b=c`` each, or values by their fields; applied in order.

    Raises:
        SpecError: if there is nothing to validate.
    """
    path = spec if isinstance(spec, Path) else DICTIONARY
    source = read(spec)
    # Nothing to validate: the file is empty, unreadable or no mapping.
    if source.root is None:
        raise SpecError(in_order(source.problems, path))
    root = apply_overrides(source.root, overrides, source.problems)
    return Composed(path=path, root=root, problems=source.problems)


def _validate(
    sort: _Sort[Spec],
    root: Node,
    composed: Sequence[LocatedProblem],
    *,
    path: Path,
    registry: Definitions,
    skipped: Sequence[object],
    allow_code: bool,
) -> LoadedSpec[Spec]:
    """Validate and check a composed spec."""
    problems = list(composed)
    model = sort.build(registry)
    try:
        spec = model.model_validate(root.plain())
    except ValidationError as error:
        reported = {problem.path for problem in problems}
        wrong = translate_errors(error, root=root, model=model, skipped=skipped)
        problems += [
            problem for problem in wrong if problem.path not in reported or not problem.path
        ]
        # The cause is translated completely.
        raise SpecError(in_order(problems, path)) from None
    # Checked only on valid specs, since it needs definitions.
    refused = () if allow_code else check_code(spec)
    # One more than the limit shows whether there are more.
    found_later = islice(chain(sort.check(spec, registry), refused), MAX_PROBLEMS + 1)
    problems += [root.locate(problem) for problem in found_later]
    if problems:
        raise SpecError(in_order(problems, path))
    # By alias, as a spec writes them, so that the resolved spec can be loaded again.
    resolved = _type_first(spec.model_dump(mode="json", by_alias=True))
    return LoadedSpec(spec=spec, resolved=resolved, root=root, allow_code=allow_code)


def in_order(problems: Sequence[LocatedProblem], path: Path) -> list[LocatedProblem]:
    """By position; the file that was asked for comes before those it extends.

    Only the first are kept where there are very many, with one that says so.
    """
    # False sorts first: problems of the named file before those of its bases.
    ordered = sorted(problems, key=lambda problem: (problem.file != str(path), problem))
    if len(ordered) <= MAX_PROBLEMS:
        return ordered
    message = f"there are more than {MAX_PROBLEMS} problems, of which the others are not shown"
    # At the top of the file, since it belongs to no single field.
    rest = Mark(str(path), 1, 1).problem((), message, "solve those above first")
    return [*ordered[:MAX_PROBLEMS], rest]


def _type_first(value: Any) -> Any:
    """The same mappings with ``type`` as their first key, as a person writes them."""
    if isinstance(value, dict):
        # Stable: the remaining keys keep the model's order.
        keys = sorted(value, key=lambda key: key != "type")
        return {key: _type_first(value[key]) for key in keys}
    if isinstance(value, list):
        return [_type_first(item) for item in value]
    return value
