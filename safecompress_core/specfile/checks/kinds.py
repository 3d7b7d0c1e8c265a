"""Kinds of specs, the command that each is for, and the problem of one for another command."""

from collections.abc import Mapping
from enum import StrEnum

from safecompress_core.specfile.problems import OPTION, LocatedProblem, shorten
from safecompress_core.specfile.yaml.nodes import Node

__all__ = ["AUDIT", "VARIANTS", "SpecKind", "kind_of", "wrong_command_problem"]

AUDIT = "audit"
"""What ``kind`` says in the spec of an audit."""
VARIANTS = "variants"
"""The field that distinguishes a comparison from the spec of a run."""


class SpecKind(StrEnum):
    """Kind of a spec, named after the command that runs it."""

    RUN = "run"
    AUDIT = "audit"
    COMPARE = "compare"


NOUNS: Mapping[SpecKind, str] = {
    SpecKind.RUN: "the spec of a run",
    SpecKind.AUDIT: "the spec of an audit",
    SpecKind.COMPARE: "a comparison",
}
COMMANDS: Mapping[SpecKind, str] = {
    SpecKind.RUN: "safecompress run {file}",
    SpecKind.AUDIT: "safecompress audit MODEL --spec {file}",
    SpecKind.COMPARE: "safecompress compare {file}",
}


def kind_of(root: Node) -> SpecKind:
    """Return what a spec is for, by its outermost fields."""
    # Only a comparison has variants; a base without a method is an unfinished one.
    if root.child(VARIANTS) is not None or _is_unfinished_comparison(root):
        return SpecKind.COMPARE
    kind = root.child("kind")
    if kind is not None and kind.content == AUDIT:
        return SpecKind.AUDIT
    return SpecKind.RUN


def wrong_command_problem(root: Node, wanted: SpecKind) -> LocatedProblem | None:
    """Return the one problem of a spec that is for another command, if it is.

    A spec without any field that distinguishes runs from audits is taken for what is wanted.
    """
    kind = kind_of(root)
    # Without `method` a spec may be a fragment of any kind, so that validation reports more.
    if kind is wanted or (kind is SpecKind.RUN and root.child("method") is None):
        return None
    # The field that identifies the kind, where the message is placed.
    step = {SpecKind.COMPARE: VARIANTS, SpecKind.AUDIT: "kind", SpecKind.RUN: "method"}[kind]
    mark = root.mark_of((step,), key=True)
    # A spec composed from options alone has no file to name.
    file = shorten("SPEC" if mark.file.startswith(OPTION) else mark.file)
    message = f"this is {NOUNS[kind]}, and {NOUNS[wanted]} is wanted"
    return mark.problem((step,), message, f"use it with `{COMMANDS[kind].format(file=file)}`")


def _is_unfinished_comparison(root: Node) -> bool:
    """Return whether a spec names a base to vary, as only a comparison does."""
    return root.child("base") is not None and root.child("method") is None
