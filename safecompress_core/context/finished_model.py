"""A finished model as it is loaded, and as attackers meet it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from safecompress_core.api import Access
from safecompress_core.context.audit_context import AuditPreparation
from safecompress_core.errors import ModelError, StorageError, TopologyError
from safecompress_core.networks.classifier import Classifier, Sealed
from safecompress_core.networks.layer_shapes import Reshaping
from safecompress_core.networks.sparse_layers import DEFAULT_RULE, sparsifiable
from safecompress_core.saved_models.exported import LogProbabilities, asked
from safecompress_core.saved_models.model_format import Format, GivenModel
from safecompress_core.saved_models.outputs import Reading
from safecompress_core.saved_models.rebuild import guarding_of
from safecompress_core.saved_models.state_dict import fill, listed
from safecompress_core.saved_models.storage import load_model
from safecompress_core.training.defence import Defence

__all__ = ["Finished", "loaded_model", "network_of"]

# N samples · C classes

CPU = torch.device("cpu")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A model as it was loaded.

    Attributes:
        module: from samples to what the model answers with, in eval mode.
        masks: which of its weights exist, by name; empty where its file does not tell.
        device: where it takes samples.
        parameters: how many it has; None where its file does not tell.
        guarding: the defence whose guard stands before its answers; None for nothing.
        weights: how many of them may be sparse; None likewise.
        active: how many of those are there: of a plain file those that are not 0; None likewise.
        notes: what is done to samples and answers on their way, for the data card.
    """

    module: nn.Module
    masks: Mapping[str, Tensor]
    device: torch.device
    parameters: int | None
    guarding: Defence | None = None
    weights: int | None = None
    active: int | None = None
    notes: tuple[str, ...] = ()

    @property
    def sizes(self) -> dict[str, Any]:
        """Densities and counts, JSON-ready, as results hold them; None for what is not known."""
        total, weights, active = self.parameters, self.weights, self.active
        if total is None or not weights or active is None:
            nothing = dict.fromkeys(("density", "model_density", "sparsifiable", "active"))
            return {**nothing, "parameters": total}
        left = total - weights + active
        return {
            "density": active / weights,
            "model_density": left / total,
            "sparsifiable": weights / total,
            "parameters": total,
            "active": left,
        }


def loaded_model(prepared: AuditPreparation) -> Finished:
    """Build or load the model.

    Raises:
        StorageError: if its file is damaged, or holds what is never loaded.
        ModelError: if weights and architecture do not fit each other.
        MissingExtraError: if a package is missing.
    """
    given = prepared.given
    if given.format.access is Access.BLACK_BOX:
        task, data = prepared.spec.task, prepared.dataset
        reading = Reading(output=task.output, answers=task.answers, classes=data.classes)
        found = asked(given.path, given.format, inputs=data.inputs, reading=reading)
        return Finished(
            module=found.module.eval(),
            masks={},
            device=CPU,
            parameters=found.parameters,
            notes=found.notes,
        )
    module, masks, guarding = _built(prepared)
    is_open = prepared.access is Access.WHITE_BOX
    device = prepared.device if is_open else CPU
    try:
        weights: Mapping[str, Tensor] = sparsifiable(module, DEFAULT_RULE)
    except TopologyError:  # of a kind that nothing here can thin out
        weights = {}
    counted = masks or {name: weight != 0 for name, weight in weights.items()}
    return Finished(
        module=module.eval().to(device),
        masks=masks,
        device=device,
        guarding=None if guarding is None else guarding.to(device),
        parameters=sum(parameter.numel() for parameter in module.parameters()),
        weights=sum(mask.numel() for mask in counted.values()),
        active=sum(int(mask.sum()) for mask in counted.values()),
    )


def network_of(
    finished: Finished, prepared: AuditPreparation, *, whole: float | None = None
) -> Classifier:
    """Return the model as attackers meet it.

    Args:
        finished: the model.
        prepared: the audit.
        whole: what its answers sum to, where these are probabilities.

    Raises:
        TopologyError: if there is white-box access, and the logits come from no linear layer, or
            there is no module of the representation's name.
    """
    task = prepared.spec.task
    if task.answers == "probabilities":
        return Sealed(LogProbabilities(finished.module, whole=whole or 1))
    if prepared.access is not Access.WHITE_BOX:
        return Sealed(finished.module)
    network = Classifier(
        finished.module,
        sample=prepared.sample.to(finished.device),
        representation=task.representation,
    )
    network.masks = dict(finished.masks)
    if finished.guarding is not None:
        network.answer_through(finished.guarding.guard)
    return network


def _built(
    prepared: AuditPreparation,
) -> tuple[nn.Module, Mapping[str, Tensor], Defence | None]:
    """The architecture with the weights of the file or folder, which exist, and who guards."""
    factory, given, data = prepared.factory, prepared.given, prepared.dataset
    assert factory is not None  # the spec has one, or the file says it
    shape, classes = tuple(data.inputs.shape[1:]), len(data.classes)
    wanted = given.passport.get("input_shape")
    if wanted is not None and tuple(wanted) != shape:
        raise ModelError(
            f"the model takes samples of shape {tuple(wanted)}, and these have {shape}",
            mend="give the data that it was made for, read in the same way",
        )

    def build(name: str) -> nn.Module:
        generator = prepared.seed.child(name).torch()
        return factory.build(input_shape=shape, classes=classes, generator=generator)

    module = build("network")
    if given.format is Format.HUGGINGFACE:
        _require_learned(module, build("another network"), given, classes=classes)
        return module, {}, None
    Reshaping.from_json(given.passport.get("reshaping", {})).apply(module)
    if given.passport:
        stored = load_model(given.path)
        fill(module, stored.state, origin=given.path)
        allowed = prepared.loaded.allow_code
        guarding = guarding_of(prepared.registry, stored, allow_code=allowed)
        return module, stored.topology.masks, guarding
    fill(module, _plain(given), origin=given.path)
    return module, {}, None


def _plain(given: GivenModel) -> Mapping[str, Tensor]:
    """The weights in anybody's safetensors file."""
    try:
        return load_file(given.path)
    except (SafetensorError, OSError) as error:
        raise StorageError(f"{given.path}: cannot be read as safetensors: {error}") from error


def _require_learned(
    module: nn.Module, other: nn.Module, given: GivenModel, *, classes: int
) -> None:
    """What is drawn differs where the generator does, and a finished model has nothing drawn."""
    twin = other.state_dict()
    drawn = [name for name, one in module.state_dict().items() if not torch.equal(one, twin[name])]
    if drawn:
        raise ModelError(
            f"{given.path} has no weights of the right size for {listed(drawn)}; it knows "
            f"{len(given.labels)} labels, and the data have {classes}",
            mend="name a folder with a trained classifier, and data with its labels",
        )
