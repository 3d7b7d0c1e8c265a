"""Early stopping on the loss of reference samples."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from safecompress_core.toolkit import (
    Batch,
    Classifier,
    Defence,
    DefenceInputs,
    Topology,
    in_batches,
    in_eval_mode,
)
from safecompress_plugins.defences.training.manifest import EarlyStoppingParams

__all__ = ["EarlyStopping"]

BATCH = 512
WEIGHTS, MASK = "best/weights/", "best/mask/"  # prefixes of the stored state


class EarlyStopping(Defence):
    """Stops training once the loss on reference samples has not decreased for ``patience`` epochs.

    After each epoch the model, in eval mode, is evaluated on the reference samples. When training
    ends, by this rule or after its last epoch, the weights of the lowest mean loss are restored,
    with their topology. Remaining epochs pass without a step, so ``training.epochs`` is an upper
    bound. A topology update increases the loss temporarily: patience must outlast that. After a
    method has pruned, earlier weights exceed the density, and the search for the best restarts.

    Source: Caruana, Lawrence & Giles 2000, "Overfitting in Neural Nets", NeurIPS; as a defence
    Song & Mittal 2021, "Systematic Evaluation of Privacy Risks", USENIX Security.
    """

    is_per_sample = True
    needs_whole_batch = ""
    _lowest: Tensor
    _epoch: Tensor
    _seen: Tensor
    _stopped: Tensor

    def __init__(self, params: EarlyStoppingParams) -> None:
        super().__init__()
        self._params = params
        self._reference: list[Batch] = []  # in a list: not part of the module's state
        self.register_buffer("_lowest", torch.tensor(torch.inf, dtype=torch.float64))
        self.register_buffer("_epoch", torch.zeros((), dtype=torch.int64))  # of the lowest loss
        self.register_buffer("_seen", torch.zeros((), dtype=torch.int64))  # epochs so far
        self.register_buffer("_stopped", torch.zeros((), dtype=torch.bool))

    @property
    def is_settled(self) -> bool:
        """True once training has ended."""
        return bool(self._stopped)

    def equip(self, inputs: DefenceInputs) -> None:
        """Store the reference samples."""
        assert inputs.reference is not None  # the definition asks for some
        self._reference = [inputs.reference]
        self._epochs = inputs.schedule.epochs

    def review(self, network: Classifier, *, epoch: int) -> None:
        """Store the model if it is the best so far; stop training after too many worse epochs."""
        self._seen.fill_(epoch + 1)
        loss = self._loss(network)
        # A pruned model may not go back to the best denser one.
        if self._was_thinned_out(network):
            self._lowest.fill_(torch.inf)
        if loss < self._lowest - self._params.improvement:
            self._lowest.fill_(loss)
            self._epoch.fill_(epoch + 1)
            self._keep(network)
        waited = int(self._seen - self._epoch)
        if waited >= self._params.patience or epoch + 1 >= self._epochs:
            self._stopped.fill_(value=True)
            # Restored at the last epoch too: the final weights need not be the best.
            self._give_back(network)

    def _loss(self, network: Classifier) -> float:
        """Compute the mean cross-entropy over the reference samples, in nats."""
        reference, total = self._reference[0], 0.0
        rows = torch.arange(len(reference.labels)).split(BATCH)
        with torch.no_grad(), in_eval_mode(network):
            for chosen, inputs in zip(rows, in_batches(reference.inputs, rows), strict=True):
                # float64: differences of the loss decide, and float32 sums of many samples are
                # noisy.
                logits, labels = network(inputs).double(), reference.labels[chosen]
                total += float(F.cross_entropy(logits, labels, reduction="sum"))
        return total / len(reference.labels)

    def _was_thinned_out(self, network: Classifier) -> bool:
        """Return whether a method has pruned since the best weights were stored."""
        masks = [mask for name, mask in self.named_buffers() if name.startswith(MASK)]
        active = sum(int(mask.sum()) for mask in network.masks.values())
        return active != sum(int(mask.sum()) for mask in masks)

    def _keep(self, network: Classifier) -> None:
        for kind, tensors in ((WEIGHTS, network.state()), (MASK, network.masks)):
            for name, tensor in tensors.items():
                self.register_buffer(_place(kind, name), tensor.to(self._lowest.device).clone())

    def _give_back(self, network: Classifier) -> None:
        buffers = dict(self.named_buffers())
        with torch.no_grad():
            # Copied in place: the optimizer and other references hold these very tensors.
            for name, tensor in network.module.state_dict().items():
                tensor.copy_(buffers[_place(WEIGHTS, name)])
        if network.topology is not None:
            masks = {name: buffers[_place(MASK, name)] for name in network.masks}
            network.topology = Topology.from_masks(masks)

    def _load_from_state_dict(
        self, state_dict: Mapping[str, Tensor], prefix: str, *others: Any
    ) -> None:
        """Load a checkpoint, whose best weights have no buffers yet in a new object."""
        for key, tensor in state_dict.items():
            name = key.removeprefix(prefix)
            if name.startswith((WEIGHTS, MASK)) and name not in self._buffers:
                self.register_buffer(name, torch.empty_like(tensor, device=self._lowest.device))
        super()._load_from_state_dict(state_dict, prefix, *others)

    def facts(self) -> Mapping[str, Any]:
        """Report the last epoch, and the epoch of the weights."""
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
    """Return the buffer's name of a tensor; it may not contain dots."""
    return kind + name.replace(".", "/")
