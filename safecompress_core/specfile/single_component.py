"""One component that a command line names by itself, with its parameters from ``--set``."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import ValidationError

from safecompress_core.api import ExporterParams, Kind, Params, Slot
from safecompress_core.errors import SpecError
from safecompress_core.specfile.models.components import Components, Definitions
from safecompress_core.specfile.outside import check_code
from safecompress_core.specfile.problems import LocatedProblem
from safecompress_core.specfile.translate import translate_errors
from safecompress_core.specfile.yaml.nodes import Mark, Node
from safecompress_core.specfile.yaml.overrides import apply_overrides

__all__ = ["load_exporter"]


class _Choice(Params):
    """A command's choice of an exporter."""

    exporter: Annotated[ExporterParams, Slot(Kind.EXPORTER)]
    """The format and its parameters."""


def load_exporter(
    name: str,
    *,
    overrides: Sequence[str],
    registry: Definitions,
    skipped: Sequence[object] = (),
    allow_code: bool = False,
) -> ExporterParams:
    """Return the parameters of an exporter.

    Args:
        name: of the format.
        overrides: ``field=value``, in the order of the command line.
        registry: what is installed.
        skipped: plugins that were not used; shown where the name is unknown.
        allow_code: whether it may import code that its parameters name.

    Raises:
        SpecError: if there is no such exporter, or a parameter is wrong.
    """
    mark = Mark(f"--to {name}", 1, 1)
    problems: list[LocatedProblem] = []
    written = apply_overrides(
        Node({"type": Node(name, mark, mark)}, mark, mark), overrides, problems
    )
    root = Node({"exporter": written}, mark, mark)
    model = Components(registry).expand(_Choice)
    try:
        chosen = model.model_validate(root.plain())
    except ValidationError as error:
        problems += translate_errors(error, root=root, model=model, skipped=skipped)
        raise SpecError(problems) from None
    if not allow_code:
        problems += [root.locate(problem) for problem in check_code(chosen)]
    if problems:
        raise SpecError(problems)
    return chosen.exporter
