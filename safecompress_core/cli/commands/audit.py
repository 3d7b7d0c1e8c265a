"""Command ``safecompress audit``: attacks on an existing model."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from safecompress_core.api import Access
from safecompress_core.cli.command_line import invocation
from safecompress_core.cli.discovery import discover_plugins
from safecompress_core.cli.options import (
    allow_code_option,
    device_option,
    execution_options,
    json_option,
    parent_option,
    plugins_dir_option,
    set_option,
    with_device,
)
from safecompress_core.cli.outcome import display_of, print_outcome, write_page
from safecompress_core.cli.spec_file import SpecFile
from safecompress_core.execution.settings import Execution, begin_to_start
from safecompress_core.first_spec.audit_draft import draft_audit
from safecompress_core.specfile.checks.kinds import SpecKind
from safecompress_core.specfile.load import compose_spec, load_audit_spec
from safecompress_core.specfile.models.components import Definitions
from safecompress_core.specfile.models.run_spec import GIVEN
from safecompress_core.specfile.yaml.overrides import Overlay

if TYPE_CHECKING:
    from safecompress_core.saved_models.model_format import GivenModel

__all__ = ["audit"]

GATE_FAILED = 1
AUDIT = {"version": 1, "kind": "audit"}
TYPE = "predictions"
OPTIONS = {"label": "--label", "members": "--member", "outputs": "--outputs"}
"""Options that name columns of predictions, by the field that each sets."""

existing = click.Path(exists=True, path_type=Path)


@click.command()
@click.argument("model", metavar="MODEL", type=existing)
@click.option("--spec", type=SpecFile(), help="The spec of the audit; optional for predictions.")
@click.option("--data", type=existing, help="The data file; the same as --set task.data.path=...")
@click.option("--members", type=existing, help="Instead: the file of the members, ...")
@click.option("--non-members", type=existing, help="... and of the non-members.")
@click.option("--label", metavar="COLUMN", help="Of predictions: the column of true labels.")
@click.option("--member", metavar="COLUMN", help="Of predictions: the column of membership.")
@click.option(
    "--outputs",
    metavar="COLUMN,...",
    help="Of predictions: the columns of probabilities or logits, in the order of the labels.",
)
@set_option("Change a field of the spec: --set pools.members=0.5. May be repeated.")
@device_option
@parent_option("--runs-dir", default="runs", description="Parent of the audit's directory.")
@execution_options("Train so many reference models at once, by the function of audit.train.")
@json_option("Print the results as JSON.")
@allow_code_option("Let the model's file and the spec run the code that they hold or name.")
@plugins_dir_option
@click.pass_context
def audit(
    context: click.Context,
    *,
    model: Path,
    spec: Path | None,
    data: Path | None,
    members: Path | None,
    non_members: Path | None,
    label: str | None,
    member: str | None,
    outputs: str | None,
    overrides: tuple[str, ...],
    device: str | None,
    runs_dir: Path,
    execution: Execution,
    as_json: bool,
    allow_code: bool,
    plugins_dir: Path | None,
) -> None:
    """Attack an existing model, and check its gates.

    MODEL is a state dict (.safetensors), a Hugging Face folder, an exported program (.pt2), a
    TorchScript file or an ONNX file. Membership comes from a column of the data or from two
    files. Only attackers are trained; nothing is unpickled.

    Or MODEL is a file of predictions (.csv, .parquet, .npz), one record a row: its true label, a
    probability or logit for each label, and whether it is a member. Then no spec is needed: every
    membership attack is made that needs no more.

    Exit code 0 if every gate of the spec is met, 1 if one is missed or a control failed.

    \b
    Example:
        safecompress audit model.safetensors --spec specs/audit_model.yaml
        safecompress audit predictions.csv
    """
    # Neither file alone says who is a member of what.
    if (members is None) != (non_members is None):
        raise click.UsageError("give both --members and --non-members, or neither")
    if members is not None and data is not None:
        raise click.UsageError("give either --data, or --members and --non-members")
    named = {"label": label, "members": member, "outputs": outputs and outputs.split(",")}
    changes = with_device(overrides, device)
    read = None
    if spec is not None:
        read = compose_spec(spec, changes)
        read.require(SpecKind.AUDIT)
    begin_to_start(execution)
    # Imported after the check: a spec for another command is reported without loading torch.
    from safecompress_core.report.verdict import is_good
    from safecompress_core.runs.audit_model import audit_model
    from safecompress_core.saved_models.model_format import Format, detect_model

    # Before plugins are loaded: a wrong file is reported at once.
    given = detect_model(model, allow_code=allow_code)
    holds_predictions = given.format is Format.PREDICTIONS
    if not holds_predictions:
        _refuse_options(spec, named)
    host = discover_plugins(plugins_dir)
    drafted: tuple[Overlay, ...] = ()
    if read is None:
        drafted = tuple(_draft(model, host.registry))
        read = compose_spec(AUDIT, changes)
    loaded = load_audit_spec(
        read,
        # The command line wins over the architecture that a file states.
        laid=(
            *drafted,
            *(_predictions(model, named) if holds_predictions else ()),
            *_files(data, members, non_members),
            *_architecture(given),
        ),
        registry=host.registry,
        skipped=host.skipped,
        allow_code=allow_code,
    )
    with display_of(loaded.spec) as display:
        host.add_observer("terminal display", display)
        finished = audit_model(
            given,
            loaded,
            host.registry,
            runs=runs_dir,
            observers=host.notify,
            execution=execution,
            plugins_dir=plugins_dir,
            invoked=invocation(context),
        )
    # The page is written before results are printed, so that its path can be shown.
    print_outcome(finished, write_page(finished), as_json=as_json)
    if not is_good(finished.results):
        context.exit(GATE_FAILED)


def _refuse_options(spec: Path | None, named: Mapping[str, Any]) -> None:
    """Refuse a model without a spec, or with options of predictions."""
    if spec is None:
        raise click.UsageError("give the audit's --spec; only a file of predictions needs none")
    if any(named.values()):
        message = "--label, --member and --outputs name columns of a file of predictions"
        raise click.UsageError(f"{message}; write those of the data in the spec, as task.data")


def _draft(path: Path, registry: Definitions) -> Iterator[Overlay]:
    """Return the spec of an audit of predictions; values of --set stay."""
    draft = draft_audit(path.stem, {"type": TYPE}, registry, given=Access.BLACK_BOX.needs)
    for section, value in draft.items():
        fields = value if isinstance(value, dict) else {None: value}
        for field, content in fields.items():
            steps = (section,) if field is None else (section, field)
            # The file is their place, since no spec is.
            yield Overlay(steps=steps, value=content, origin=str(path), yields=True)


def _predictions(path: Path, named: Mapping[str, Any]) -> Iterator[Overlay]:
    """Return what a file of predictions says, and the options that name its columns."""
    origin = str(path)
    yield Overlay(steps=("task", "data", "type"), value=TYPE, origin=origin, yields=True)
    yield _overlay(("task", "data", "path"), origin, origin)
    yield Overlay(steps=("task", "answers"), value="auto", origin=origin, yields=True)
    # There is no model's file, whose size the default would measure as well.
    metrics = [{"type": "accuracy"}]
    yield Overlay(steps=("metrics",), value=metrics, origin=origin, yields=True)
    for name, value in named.items():
        if value is not None:
            yield _overlay(("task", "data", name), value, OPTIONS[name])


def _files(data: Path | None, members: Path | None, non_members: Path | None) -> Iterator[Overlay]:
    """Return the data options of the command line."""
    if data is not None:
        yield _overlay(("task", "data", "path"), str(data), f"--data {data}")
    if members is not None and non_members is not None:
        yield _overlay(("task", "data", "path"), str(members), f"--members {members}")
        where = ("task", "data", "non_members")
        yield _overlay(where, str(non_members), f"--non-members {non_members}")
        # Two files state membership themselves.
        yield _overlay(("pools", "members"), GIVEN, f"--members {members}")


def _architecture(given: "GivenModel") -> Iterator[Overlay]:
    """Return the architecture that the model's file or folder states, if the spec has none."""
    from safecompress_core.saved_models.model_format import Format

    origin = str(given.path)
    # A file of SafeCompress carries the spec of its architecture.
    if "model" in given.model_metadata:
        model = given.model_metadata["model"]
        # `yields`: a spec that names an architecture knows better than the file.
        yield Overlay(steps=("task", "model"), value=model, origin=origin, yields=True)
    elif given.format is Format.HUGGINGFACE:
        steps = ("task", "model", "type")
        yield Overlay(steps=steps, value="huggingface", origin=origin, yields=True)
        yield _overlay(("task", "model", "path"), str(given.path), origin)


def _overlay(steps: tuple[str, ...], value: Any, origin: str) -> Overlay:
    return Overlay(steps=steps, value=value, origin=origin)
