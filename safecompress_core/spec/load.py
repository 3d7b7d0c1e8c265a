"""From a file to a spec that is known to be right."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic

from pydantic import ValidationError
from typing_extensions import TypeVar

from safecompress_core.api import Params
from safecompress_core.errors import SpecError
from safecompress_core.spec.audit_checks import check_audit
from safecompress_core.spec.audit_spec import KIND, AuditSpec, build_audit_model
from safecompress_core.spec.checks import check
from safecompress_core.spec.components import Definitions
from safecompress_core.spec.hosting import check_hosting
from safecompress_core.spec.model import RunSpec, build_spec_model
from safecompress_core.spec.nodes import Node
from safecompress_core.spec.outside import check_code
from safecompress_core.spec.overrides import Laid, laid_over, overridden
from safecompress_core.spec.problems import Problem, SpecPath
from safecompress_core.spec.source import read
from safecompress_core.spec.translate import Finding, translated

__all__ = ["LoadedSpec", "in_order", "load_any_spec", "load_audit_spec", "load_spec", "validated"]

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

    def problem(self, path: SpecPath, message: str, mend: str) -> Problem:
        """A problem that only a run could find, at the place of the value that caused it."""
        return self.root.mark_of(path).problem(path, message, mend)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sort(Generic[Spec]):
    """A kind of specs: its model, and whether its parts fit each other."""

    build: Callable[[Definitions], type[Spec]]
    check: Callable[[Spec, Definitions], list[Finding]]


def _check_run(spec: RunSpec, registry: Definitions) -> list[Finding]:
    return [*check(spec), *check_hosting(spec, registry)]


RUN = _Sort(build=build_spec_model, check=_check_run)
AUDIT = _Sort(build=build_audit_model, check=lambda spec, _: check_audit(spec))


def load_spec(
    path: Path,
    *,
    overrides: Sequence[str] = (),
    registry: Definitions,
    skipped: Sequence[object] = (),
    allow_code: bool = False,
) -> LoadedSpec:
    """Read, extend, override, validate and check the spec of a run.

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
    root, problems = _composed(path, overrides)
    if _is_audit(root):
        message = "this is the spec of an audit, and nothing in it says how to compress a model"
        mend = "use it with `safecompress audit MODEL --spec ...`, or name the spec of a run"
        raise SpecError([root.mark_of(("kind",)).problem(("kind",), message, mend)])
    return _validated(
        RUN,
        root,
        problems,
        path=path,
        registry=registry,
        skipped=skipped,
        allow_code=allow_code,
    )


def load_audit_spec(
    path: Path,
    *,
    overrides: Sequence[str] = (),
    laid: Sequence[Laid] = (),
    registry: Definitions,
    skipped: Sequence[object] = (),
    allow_code: bool = False,
) -> LoadedSpec[AuditSpec]:
    """The same for the spec of an audit.

    Args:
        path: as for `load_spec`, and so are all others but one.
        overrides: likewise.
        laid: what the command and the model's file say besides; laid over what the overrides give.
        registry: likewise.
        skipped: likewise.
        allow_code: likewise.

    Raises:
        SpecError: with every problem found, in the order of the file.
    """
    root, problems = _composed(path, overrides)
    if not _is_audit(root) and root.child("method") is not None:
        message = "this is the spec of a run, which makes a model of its own"
        mend = "write one that begins with 'kind: audit' and has neither 'method' nor 'training'"
        raise SpecError([root.mark_of(("method",), key=True).problem(("method",), message, mend)])
    return _validated(
        AUDIT,
        laid_over(root, laid, problems),
        problems,
        path=path,
        registry=registry,
        skipped=skipped,
        allow_code=allow_code,
    )


def load_any_spec(
    path: Path,
    *,
    overrides: Sequence[str] = (),
    registry: Definitions,
    skipped: Sequence[object] = (),
    allow_code: bool = False,
) -> LoadedSpec[Any]:
    """The same for a spec that says by ``kind`` what it is for.

    Raises:
        SpecError: with every problem found, in the order of the file.
    """
    root, problems = _composed(path, overrides)
    sort: _Sort[Any] = AUDIT if _is_audit(root) else RUN
    return _validated(
        sort,
        root,
        problems,
        path=path,
        registry=registry,
        skipped=skipped,
        allow_code=allow_code,
    )


def validated(
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
    return _validated(
        RUN,
        root,
        (),
        path=path,
        registry=registry,
        skipped=skipped,
        allow_code=allow_code,
    )


def _composed(path: Path, overrides: Sequence[str]) -> tuple[Node, list[Problem]]:
    """What a file says with what it extends and what is laid over it, and what is wrong so far."""
    source = read(path)
    if source.root is None:
        raise SpecError(in_order(source.problems, path))
    return overridden(source.root, overrides, source.problems), source.problems


def _is_audit(root: Node) -> bool:
    kind = root.child("kind")
    return kind is not None and kind.content == KIND


def _validated(
    sort: _Sort[Spec],
    root: Node,
    found: Sequence[Problem],
    *,
    path: Path,
    registry: Definitions,
    skipped: Sequence[object],
    allow_code: bool,
) -> LoadedSpec[Spec]:
    """What has been composed, validated and checked."""
    problems = list(found)
    model = sort.build(registry)
    try:
        spec = model.model_validate(root.plain())
    except ValidationError as error:
        problems += translated(error, root=root, model=model, skipped=skipped)
        raise SpecError(in_order(problems, path)) from None
    refused = () if allow_code else check_code(spec)
    problems += [finding.problem(root) for finding in (*sort.check(spec, registry), *refused)]
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
