"""Early stopping: no training beyond what helps on samples that are no members."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from safecompress_core.toolkit import (
    Batch,
    Classifier,
    Defence,
    Supplies,
    in_batches,
    in_eval_mode,
)
from safecompress_plugins.defences.training.manifest import EarlyStoppingParams

__all__ = ["EarlyStopping"]

BATCH = 512
WEIGHTS, MASK = "best/weights/", "best/mask/"


class EarlyStopping(Defence):
    """Ends training once the loss on reference samples has not fallen for ``patience`` epochs.

    After each epoch the model, in eval mode, is asked about the reference samples. When training
    ends, that way or because its epochs are over, the weights with the lowest mean loss come back,
    with the topology that they had. Epochs that are left pass without a step, so
    ``training.epochs`` is the most that there can be. An update of the topology costs some loss:
    patience has to be longer than it takes to get over one. Once a method has pruned, what was best
    before has more weights than the model may have, and the search begins anew.

    Source: Caruana, Lawrence & Giles 2000, "Overfitting in Neural Nets", NeurIPS; as a defence
    Song & Mittal 2021, "Systematic Evaluation of Privacy Risks", USENIX Security.
    """

    is_per_sample = True
    _lowest: Tensor
    _epoch: Tensor
    _seen: Tensor
    _stopped: Tensor

    def __init__(self, params: EarlyStoppingParams) -> None:
        super().__init__()
        self._params = params
        self._reference: list[Batch] = []  # in a list: no part of what is kept
        self.register_buffer("_lowest", torch.tensor(torch.inf, dtype=torch.float64))
        self.register_buffer("_epoch", torch.zeros((), dtype=torch.int64))  # of the lowest loss
        self.register_buffer("_seen", torch.zeros((), dtype=torch.int64))  # epochs so far
        self.register_buffer("_stopped", torch.zeros((), dtype=torch.bool))

    @property
    def is_settled(self) -> bool:
        """Whether training has ended."""
        return bool(self._stopped)

    def equip(self, supplies: Supplies) -> None:
        """Keep the samples that are no members."""
        assert supplies.reference is not None  # the definition asks for some
        self._reference = [supplies.reference]
        self._epochs = supplies.schedule.epochs

    def review(self, network: Classifier, *, epoch: int) -> None:
        """Keep the model if it is the best so far; end training if there was none for too long."""
        self._seen.fill_(epoch + 1)
        loss = self._loss(network)
        if self._was_thinned_out(network):
            self._lowest.fill_(torch.inf)
        if loss < self._lowest - self._params.improvement:
            self._lowest.fill_(loss)
            self._epoch.fill_(epoch + 1)
            self._keep(network)
        waited = int(self._seen - self._epoch)
        if waited >= self._params.patience or epoch + 1 >= self._epochs:
            self._stopped.fill_(value=True)
            self._give_back(network)

    def _loss(self, network: Classifier) -> float:
        """Mean cross-entropy over the reference samples, in nats."""
        reference, total = self._reference[0], 0.0
        rows = torch.arange(len(reference.labels)).split(BATCH)
        with torch.no_grad(), in_eval_mode(network):
            for chosen, inputs in zip(rows, in_batches(reference.inputs, rows), strict=True):
                logits, labels = network(inputs).double(), reference.labels[chosen]
                total += float(F.cross_entropy(logits, labels, reduction="sum"))
        return total / len(reference.labels)

    def _was_thinned_out(self, network: Classifier) -> bool:
        """Whether a method has pruned since; then what was kept has more weights than it may."""
        kept = [mask for name, mask in self.named_buffers() if name.startswith(MASK)]
        active = sum(int(mask.sum()) for mask in network.masks.values())
        return active != sum(int(mask.sum()) for mask in kept)

    def _keep(self, network: Classifier) -> None:
        for kind, tensors in ((WEIGHTS, network.state()), (MASK, network.masks)):
            for name, tensor in tensors.items():
                self.register_buffer(_place(kind, name), tensor.to(self._lowest.device).clone())

    def _give_back(self, network: Classifier) -> None:
        kept = dict(self.named_buffers())
        with torch.no_grad():
            for name, tensor in network.module.state_dict().items():
                tensor.copy_(kept[_place(WEIGHTS, name)])
        network.masks = {
            name: kept[_place(MASK, name)].to(mask) for name, mask in network.masks.items()
        }

    def _load_from_state_dict(
        self, state_dict: Mapping[str, Tensor], prefix: str, *others: Any
    ) -> None:
        """What was kept has its places only once there is something to keep."""
        for key, tensor in state_dict.items():
            name = key.removeprefix(prefix)
            if name.startswith((WEIGHTS, MASK)) and name not in self._buffers:
                self.register_buffer(name, torch.empty_like(tensor, device=self._lowest.device))
        super()._load_from_state_dict(state_dict, prefix, *others)

    def facts(self) -> Mapping[str, Any]:
        """When it ended, and whose weights these are."""
        seen, best = int(self._seen), int(self._epoch)
        if not seen:
            return {}
        ended = f"training ended after {seen} of {self._epochs} epochs"
        return {
            "text": f"{ended}, with the weights of epoch {best}",
            "epochs": seen,
            "best_epoch": best,
            "reference_loss": float(self._lowest),
        }


def _place(kind: str, name: str) -> str:
    """Where a tensor is kept: a buffer's name has no dots."""
    return kind + name.replace(".", "/")
