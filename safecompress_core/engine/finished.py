"""Loads a finished model, and asks it once about every sample before anybody attacks it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from safecompress_core.api import Access
from safecompress_core.dataset import Dataset, in_batches
from safecompress_core.engine.answers import LogProbabilities, asked
from safecompress_core.engine.audit_preparation import AuditPreparation
from safecompress_core.engine.defence import Defence
from safecompress_core.engine.model_format import Format, GivenModel
from safecompress_core.engine.rebuilding import guarding_of
from safecompress_core.errors import ModelError, StorageError, TopologyError
from safecompress_core.network import Classifier, Sealed
from safecompress_core.reshaping import Reshaping
from safecompress_core.sparse.storage import load_model
from safecompress_core.sparsifiable import DEFAULT_RULE, sparsifiable

__all__ = ["Answered", "Finished", "answered", "loaded_model", "network_of"]

# N samples · C classes

CPU = torch.device("cpu")
BATCH = 256
MOST_SHOWN = 5
SUM_ERROR = 1e-3
"""How far probabilities may be from a sum of 1: half precision keeps three digits."""


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
    """

    module: nn.Module
    masks: Mapping[str, Tensor]
    device: torch.device
    parameters: int | None
    guarding: Defence | None = None
    weights: int | None = None
    active: int | None = None

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What a model answered with.

    Attributes:
        lowest: of all values.
        sums: the smallest and the largest sum of a sample's answer.
    """

    lowest: float
    sums: tuple[float, float]

    @property
    def are_probabilities(self) -> bool:
        """Whether every answer is a distribution, which logits never are by chance."""
        return self.lowest >= 0 and all(abs(total - 1) <= SUM_ERROR for total in self.sums)


def loaded_model(prepared: AuditPreparation) -> Finished:
    """Build or load the model.

    Raises:
        StorageError: if its file is damaged, or holds what is never loaded.
        ModelError: if weights and architecture do not fit each other.
        MissingExtraError: if a package is missing.
    """
    given = prepared.given
    if given.format.access is Access.BLACK_BOX:
        module, parameters = asked(given.path, given.format)
        return Finished(module=module.eval(), masks={}, device=CPU, parameters=parameters)
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


def answered(finished: Finished, dataset: Dataset) -> Answered:
    """Ask a model about every sample.

    Raises:
        ModelError: if it cannot be asked about such samples, does not answer with a number for each
            label, or with one that is not finite.
    """
    count, classes = len(dataset), len(dataset.classes)
    broken: list[int] = []
    lows, sums = [], []
    rows = torch.arange(count).split(BATCH)
    for positions, batch in zip(rows, in_batches(dataset.inputs, rows), strict=True):
        answer = _asked(finished, batch)
        if answer.shape != (len(positions), classes):
            raise ModelError(
                f"the model answers {len(positions)} samples with a tensor of shape "
                f"{tuple(answer.shape)}, and the data have {classes} labels",
                mend="give data with the model's own labels, name all of them in task.labels, or "
                "export a model that puts out a number for each",
            )
        broken += positions[~answer.isfinite().all(dim=1)].tolist()
        lows.append(answer.amin())
        sums.append(answer.double().sum(dim=1))
    if broken:
        raise ModelError(
            f"the model's answers to {len(broken)} of {count} samples are not finite; the first is "
            f"sample {broken[0]}",
            mend="mend the model: nobody can be told apart by NaN",
        )
    totals = torch.cat(sums)
    return Answered(
        lowest=float(torch.stack(lows).amin()),
        sums=(float(totals.amin()), float(totals.amax())),
    )


def network_of(finished: Finished, prepared: AuditPreparation) -> Classifier:
    """The model as attackers meet it.

    Raises:
        TopologyError: if there is white-box access, and the logits come from no linear layer, or
            there is no module of the representation's name.
    """
    task = prepared.spec.task
    if task.answers == "probabilities":
        return Sealed(LogProbabilities(finished.module))
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


def _asked(finished: Finished, batch: Tensor) -> Tensor:
    try:
        with torch.no_grad():
            answer = finished.module(batch.to(finished.device))
    except ModelError:
        raise
    except Exception as error:  # shapes and types are refused in every way there is
        reason = " ".join(str(error).split())[:300]
        raise ModelError(
            f"the model cannot be asked about samples of shape {tuple(batch.shape[1:])}: {reason}",
            mend="give the samples as it takes them",
        ) from error
    if not isinstance(answer, Tensor):
        message = f"the model answers with a {type(answer).__name__}, and with no tensor"
        raise ModelError(message, mend="use one that puts out logits or probabilities")
    return answer.float().cpu()


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
        _fill(module, stored.state, given)
        allowed = prepared.loaded.allow_code
        guarding = guarding_of(prepared.registry, stored, allow_code=allowed)
        return module, stored.topology.masks, guarding
    _fill(module, _plain(given), given)
    return module, {}, None


def _plain(given: GivenModel) -> Mapping[str, Tensor]:
    """The weights in anybody's safetensors file."""
    try:
        return load_file(given.path)
    except (SafetensorError, OSError) as error:
        raise StorageError(f"{given.path}: cannot be read as safetensors: {error}") from error


def _fill(module: nn.Module, state: Mapping[str, Tensor], given: GivenModel) -> None:
    """Put weights into a network that has exactly these.

    Tied weights need to be there under one of their names only, as safetensors keeps them.
    """
    own = module.state_dict()
    there = {own[name].data_ptr() for name in own.keys() & state.keys()}
    missing = [n for n, one in own.items() if n not in state and one.data_ptr() not in there]
    other = [name for name in state if name not in own]
    shapes = [
        f"{name} {tuple(state[name].shape)} for {tuple(own[name].shape)}"
        for name in own
        if name in state and state[name].shape != own[name].shape
    ]
    found = (("it lacks", missing), ("it has besides", other), ("other shapes:", shapes))
    wrong = [f"{what} {_listed(names)}" for what, names in found if names]
    if wrong:
        raise ModelError(
            f"the weights in {given.path} do not fit the architecture: {'; '.join(wrong)}",
            mend="write the model's own architecture as task.model, and data with its labels",
        )
    module.load_state_dict(state, strict=False)


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - MOST_SHOWN} more" if len(names) > MOST_SHOWN else ""
    return ", ".join(names[:MOST_SHOWN]) + more


def _require_learned(
    module: nn.Module, other: nn.Module, given: GivenModel, *, classes: int
) -> None:
    """What is drawn differs where the generator does, and a finished model has nothing drawn."""
    twin = other.state_dict()
    drawn = [name for name, one in module.state_dict().items() if not torch.equal(one, twin[name])]
    if drawn:
        raise ModelError(
            f"{given.path} has no weights of the right size for {_listed(drawn)}; it knows "
            f"{len(given.labels)} labels, and the data have {classes}",
            mend="name a folder with a trained classifier, and data with its labels",
        )
