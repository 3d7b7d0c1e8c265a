"""Checks of an audit before its first attack."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from safecompress_core.api import WHITE_BOX, Access, MetricDef, Need, component_id
from safecompress_core.context.audit_context import AuditContext
from safecompress_core.context.finished_model import attacked_network, load_finished_model
from safecompress_core.errors import ModelError, SpecError, TopologyError
from safecompress_core.networks.classifier import Classifier
from safecompress_core.preflight.metric_checks import check_metrics
from safecompress_core.preflight.output_checks import OutputSummary, check_outputs
from safecompress_core.preflight.run_checks import (
    SAMPLES_AND_ATTACKS,
    check_layers,
    check_reference_counts,
    run_checks,
)
from safecompress_core.problems import Problem
from safecompress_core.saved_models.load import LoadedModel
from safecompress_core.saved_models.model_format import Format
from safecompress_core.specfile.checks.attacker_checks import each_base_attacker
from safecompress_core.specfile.models.components import attacker_of, definition_of
from safecompress_core.specfile.problems import SpecPath

__all__ = ["check_audit_feasible"]

ATTACKERS: SpecPath = ("audit", "attackers")

LESS_ACCESS = "take it out, or audit the model's state dict"

NEEDS = {
    Access.GRAY_BOX: "answers to inputs of its own making",
    Access.WHITE_BOX: "parameters",
}
"""What a component needs that a model of answers does not give, by its access."""


def check_audit_feasible(audit_context: AuditContext) -> tuple[LoadedModel, Classifier]:
    """Check the spec against the model's format, the samples and the model, and load all of them.

    Raises:
        SpecError: at the place of what cannot work.
        StorageError: as `load_finished_model` says; ModelError and MissingExtraError likewise.
    """
    # From cheap to expensive: format, samples, then loading and one query of each sample.
    without_samples = (_architecture, _access, _pairs)
    run_checks((partial(check, audit_context) for check in without_samples), audit_context.loaded)
    run_checks(
        (partial(check, audit_context) for check in (*SAMPLES_AND_ATTACKS, check_reference_counts)),
        audit_context.loaded,
    )
    finished = _load(audit_context)
    outputs = check_outputs(finished.module, audit_context.dataset, device=finished.device)
    run_checks(
        [partial(_sizes, audit_context, finished), partial(_answers, audit_context, outputs)],
        audit_context.loaded,
    )
    # Notes of outputs are known only now, and belong to the data card.
    finished = replace(
        finished,
        notes=(*finished.notes, *outputs.notes),
        total=outputs.total if _has_probabilities(audit_context, outputs) else None,
    )
    network = _network(audit_context, finished)
    # Layers are visible with white-box access only.
    if network.access is Access.WHITE_BOX:
        run_checks([partial(check_layers, audit_context.spec, network)], audit_context.loaded)
    run_checks([partial(check_metrics, audit_context, network)], audit_context.loaded)
    return finished, network


def _architecture(audit_context: AuditContext) -> Iterator[Problem]:
    if audit_context.given.format is Format.WEIGHTS and audit_context.spec.task.model is None:
        message = f"{audit_context.given.path} holds weights, and nothing says of what architecture"
        yield Problem(("task",), message, "write it as task.model")


def _access(audit_context: AuditContext) -> Iterator[Problem]:
    """Return the attackers and metrics that need more access than the model gives."""
    access, form = audit_context.access, audit_context.given.format
    what = (
        form.name_with_article
        if access is form.access
        else "a model that answers with probabilities"
    )
    for path, attacker in each_base_attacker(audit_context.spec.audit.attackers, ATTACKERS):
        needed = attacker_of(attacker).access
        if not access.covers(needed):
            needs = f"{component_id(attacker)!r} needs {NEEDS[needed]}"
            yield Problem(
                (*path, "type"), f"{needs}; {what} gives {access} access only", LESS_ACCESS
            )
    for index, metric in enumerate(audit_context.spec.metrics):
        definition = definition_of(metric)
        # What a metric needs of the model; all else is checked with the samples.
        of_model = definition.needs & WHITE_BOX
        if isinstance(definition, MetricDef) and not of_model <= access.needs:
            needed = next(level for level in Access if of_model <= level.needs)
            needs = f"{component_id(metric)!r} needs {NEEDS[needed]}"
            message = f"{needs}; {what} gives {access} access only"
            yield Problem(("metrics", index, "type"), message, LESS_ACCESS)


def _pairs(audit_context: AuditContext) -> Iterator[Problem]:
    """Return the attackers that need other models next to this one."""
    for path, attacker in each_base_attacker(audit_context.spec.audit.attackers, ATTACKERS):
        name, definition = component_id(attacker), attacker_of(attacker)
        if Need.UNCOMPRESSED in definition.needs:
            message = f"{name!r} also sees the uncompressed model, and there is none in an audit"
            yield Problem((*path, "type"), message, "take it out")
        elif Need.VERSIONS in definition.needs:
            message = f"{name!r} also sees other versions of the model, and an audit has one"
            yield Problem((*path, "type"), message, "take it out")
    for index, metric in enumerate(audit_context.spec.metrics):
        if Need.UNCOMPRESSED in definition_of(metric).needs:
            message = (
                f"{component_id(metric)!r} compares with the uncompressed model, and there is none "
                "in an audit"
            )
            yield Problem(("metrics", index, "type"), message, "take it out")


def _load(audit_context: AuditContext) -> LoadedModel:
    try:
        return load_finished_model(audit_context)
    # Without a field it is a matter of the file, not of the spec.
    except ModelError as error:
        if not error.field:
            raise
        path: SpecPath = ("task", "model", *error.field)
        problem = audit_context.loaded.problem(path, error.message, error.hint)
        raise SpecError([problem]) from error


def _sizes(audit_context: AuditContext, finished: LoadedModel) -> Iterator[Problem]:
    """Return the gates and metrics of sizes that the model's format does not show."""
    given = audit_context.given
    form = given.format.name_with_article
    for index, gate in enumerate(audit_context.spec.gate):
        if gate.measure == "model.density" and finished.sizes["density"] is None:
            message = f"the density of {form} is unknown"
            yield Problem(("gate", index, "measure"), message, "ask for model.file_bytes")
        if gate.measure == "model.file_bytes" and given.file_bytes is None:
            message = f"the size of the model is unknown of {form}"
            yield Problem(("gate", index, "measure"), message, "take it out")
    for index, metric in enumerate(audit_context.spec.metrics):
        if definition_of(metric).name == "file-bytes" and given.file_bytes is None:
            message = f"the size of the model is unknown of {form}"
            yield Problem(("metrics", index, "type"), message, "leave it out")


def _answers(audit_context: AuditContext, found: OutputSummary) -> Iterator[Problem]:
    """Require the outputs to match the spec."""
    path: SpecPath = ("task", "answers")
    low, high = found.sums
    span = (
        f"are between {found.lowest:.3g} and {found.highest:.3g}, with sums from {low:.3g} to "
        f"{high:.3g}"
    )
    is_closed = audit_context.access is not Access.WHITE_BOX  # else its last layer is known
    if is_closed and found.are_independent:
        message = (
            f"the model's answers {span}: they are probabilities of labels one by one (sigmoids, a "
            "multi-label head), and no distribution over labels"
        )
        yield Problem(path, message, "export its logits, or a model with one label a sample")
    elif audit_context.spec.task.answers == "probabilities":
        if found.total is None:
            hint = "export probabilities that sum to 1, or percentages"
            # Negative values cannot be probabilities, so the spec's statement is what is wrong.
            if found.lowest < 0:
                hint = "write 'answers: logits'"
            message = f"the model does not answer with probabilities: its answers {span}"
            yield Problem(path, message, hint)
    elif found.total is not None and not _has_probabilities(audit_context, found):
        message = "every answer of the model is a distribution, so these are no logits"
        yield Problem(path, message, "write 'answers: probabilities'")


def _has_probabilities(audit_context: AuditContext, found: OutputSummary) -> bool:
    """Return whether the model answers with probabilities, as the spec says or as they show."""
    declared = audit_context.spec.task.answers
    if declared == "auto" and audit_context.access is not Access.WHITE_BOX:
        return found.total is not None
    return bool(declared == "probabilities")


def _network(audit_context: AuditContext, finished: LoadedModel) -> Classifier:
    try:
        return attacked_network(finished, audit_context)
    except TopologyError as error:
        path: SpecPath = ("task", "model")
        hint = "use a model whose last layer is linear"
        if audit_context.spec.task.representation:
            path, hint = ("task", "representation"), "name another module, or leave it out"
        raise SpecError([audit_context.loaded.problem(path, str(error), hint)]) from error
