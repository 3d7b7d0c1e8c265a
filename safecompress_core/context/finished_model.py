"""Finished model: as an audit loads it, and as attackers meet it."""

import torch
from torch import nn

from safecompress_core.api import Access
from safecompress_core.context.audit_context import AuditContext
from safecompress_core.networks.classifier import BlackBoxModel, Classifier
from safecompress_core.saved_models.exported import LogProbabilities
from safecompress_core.saved_models.load import LoadedModel, Questions, load_network
from safecompress_core.saved_models.outputs import OutputReader

__all__ = ["attacked_network", "load_finished_model"]


def load_finished_model(audit_context: AuditContext) -> LoadedModel:
    """Load the audited model, onto the spec's device where it is open.

    Raises:
        StorageError: if its file is damaged, or holds what is never loaded.
        ModelError: if weights and architecture do not fit each other.
        MissingExtraError: if a package is missing.
    """
    task, data, factory = audit_context.spec.task, audit_context.dataset, audit_context.factory
    shape, classes = tuple(data.inputs.shape[1:]), len(data.classes)

    def build(generator: torch.Generator) -> nn.Module:
        assert factory is not None  # checked: spec or file has one
        return factory.build(input_shape=shape, classes=classes, generator=generator)

    reading = OutputReader(output=task.output, answers=task.answers, classes=data.classes)
    loaded = load_network(
        audit_context.given,
        registry=audit_context.registry,
        allow_code=audit_context.loaded.allow_code,
        build=build,
        questions=Questions(inputs=data.inputs, reading=reading),
    )
    # Exported models are asked on the CPU; only open ones can be moved.
    return loaded.to(audit_context.device) if audit_context.access is Access.WHITE_BOX else loaded


def attacked_network(finished: LoadedModel, audit_context: AuditContext) -> Classifier:
    """Return the model as attackers meet it.

    Raises:
        TopologyError: if there is white-box access, and the logits come from no linear layer, or
            there is no module of the representation's name.
    """
    if finished.total is not None:
        # Logits of the same posteriors, so that attacks need not know about probabilities.
        return BlackBoxModel(LogProbabilities(finished.module, whole=finished.total))
    if audit_context.access is not Access.WHITE_BOX:
        return BlackBoxModel(finished.module)
    sample = audit_context.sample.to(finished.device)
    # Only an open model has a representation to find.
    network = Classifier(
        finished.module, sample=sample, representation=audit_context.spec.task.representation
    )
    return finished.as_classifier(network)
