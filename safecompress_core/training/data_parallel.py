"""Data-parallel groups: processes that train one model together, each on its slice of a batch.

- Every process runs the same program from the same seed, so all draw the same global batches, the
  same topologies and the same decisions. Only the samples of a step are divided.
- Gradients are averaged over the global batch after each backward pass; so are the gradients that
  topologies grow by. What follows from them (moments, weights, masks) is then equal everywhere.
- Batch normalisation normalises by the statistics of a process's own slice, as
  ``DistributedDataParallel`` does; running statistics are averaged at the end of each epoch.
- Digests of topologies and weights are compared, so that processes that have come apart end with an
  error.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import Tensor, nn

from safecompress_core.errors import DataParallelError
from safecompress_core.seeding import Seed
from safecompress_core.training.rank import Rank, launched_rank

__all__ = [
    "ALONE",
    "DataParallel",
    "ProcessGroup",
    "current_group",
    "digest_weights",
    "join_group",
]

STEP, UNIT = timedelta(minutes=30), timedelta(days=30)
"""Longest waits for another process in a step, and until its unit of work is done; a process that
has died is noticed at once, by its connection."""


class DataParallel:
    """One process, which trains alone; nothing is divided, sent or compared.

    Attributes:
        rank: of this process.
    """

    rank = Rank()

    def bounds(self, samples: int) -> tuple[int, int]:
        """Return the first sample of this process's slice of a batch, and the one after its last.

        Slices are contiguous and differ by one sample at most. A batch that has less than two
        samples for each process is not divided, since batch normalisation needs two: all take the
        whole of it.
        """
        if self.copies(samples) > 1:
            return 0, samples
        size = self.rank.size
        return self.rank.number * samples // size, (self.rank.number + 1) * samples // size

    def copies(self, samples: int) -> int:
        """Return the number of processes that have the same slice of a batch of that size."""
        return self.rank.size if samples < 2 * self.rank.size else 1

    def own_generator(self, shared: torch.Generator) -> torch.Generator:
        """Return the generator of what is drawn for this process's samples alone.

        ``shared`` is in the same state in all processes, and afterwards as well.
        """
        return shared

    def sum(self, values: Tensor) -> Tensor:
        """Return the sum over all processes of a tensor of the same shape in each."""
        return values

    def mean(self, values: Tensor) -> Tensor:
        """Return the mean of a number for each sample, shape (B,), over the global batch."""
        return values.mean()

    def sum_gradients(self, gradients: Sequence[Tensor], *, share: float) -> None:
        """Replace gradients, in place, by the sum over all processes of share · gradient.

        Args:
            gradients: of the mean loss over this process's slice.
            share: weight of this process among all, in (0, 1].
        """

    def average_buffers(self, network: nn.Module) -> None:
        """Replace running statistics, in place, by their mean over all processes."""

    def require_equal(self, what: str, content: Callable[[], bytes]) -> None:
        """Check that something is the same in all processes.

        Args:
            what: named in the error.
            content: called only where there are others to compare with.

        Raises:
            DataParallelError: if it is not.
        """

    def wait(self) -> None:
        """Wait until all processes have come here.

        Raises:
            DataParallelError: if one of them has ended.
        """


ALONE = DataParallel()


class ProcessGroup(DataParallel):
    """Processes connected by torch.distributed.

    Args:
        rank: of this process.
        device: where tensors that are reduced lie.
        control: the gloo group that digests and waiting use, on any device.
    """

    def __init__(self, rank: Rank, device: torch.device, control: dist.ProcessGroup) -> None:
        self.rank = rank
        self._device = device
        self._control = control

    def own_generator(self, shared: torch.Generator) -> torch.Generator:
        """Make a generator for this process: equal ones would drop the same units everywhere."""
        # One number, as `global_random_state` draws in a single process: the rest stays the same.
        number = int(torch.randint(2**62, (), generator=shared))
        return Seed(number).child("rank", self.rank.number).torch()

    def sum(self, values: Tensor) -> Tensor:
        """Sum over all processes."""
        total = values.detach().to(self._device, copy=True).contiguous()
        with _naming_lost_processes():
            dist.all_reduce(total)
        return total.to(values.device)

    def mean(self, values: Tensor) -> Tensor:
        """Divide the sum over all samples by their number."""
        summed = values.detach().double().sum()
        total, count = self.sum(torch.stack([summed, summed.new_tensor(len(values))]))
        mean: Tensor = total / count
        return mean

    def sum_gradients(self, gradients: Sequence[Tensor], *, share: float) -> None:
        """Send all gradients as one vector."""
        if not gradients:
            return
        flat = torch.cat([gradient.reshape(-1) for gradient in gradients]).mul_(share)
        with _naming_lost_processes():
            dist.all_reduce(flat)
        sizes = [gradient.numel() for gradient in gradients]
        for gradient, summed in zip(gradients, flat.split(sizes), strict=True):
            gradient.copy_(summed.view_as(gradient))

    @torch.no_grad()
    def average_buffers(self, network: nn.Module) -> None:
        """Average all buffers of floating point; counters are equal already."""
        for buffer in network.buffers():
            if buffer.is_floating_point():
                buffer.copy_(self.sum(buffer) / self.rank.size)

    def require_equal(self, what: str, content: Callable[[], bytes]) -> None:
        """Compare SHA-256 digests, of the name as well: all must be at the same place."""
        digest = hashlib.sha256(what.encode() + b"\x1f" + content()).digest()
        own = torch.tensor(list(digest), dtype=torch.uint8)
        digests = [torch.empty_like(own) for _ in range(self.rank.size)]
        with _naming_lost_processes():
            dist.all_gather(digests, own, group=self._control)
        others = [number for number, one in enumerate(digests) if not torch.equal(one, digests[0])]
        if others:
            raise DataParallelError(
                f"data-parallel training: {what} differs between rank 0 and rank "
                f"{', '.join(map(str, others))}; all processes need the same files, packages and "
                "kind of processor, and a run directory that all of them see"
            )

    def wait(self) -> None:
        """Meet at a barrier."""
        with _naming_lost_processes():
            dist.barrier(group=self._control)


# The default group of torch.distributed is global, too: one process is in one of them at a time.
_joined: list[DataParallel] = []


def current_group() -> DataParallel:
    """Return the group that this process has joined; `ALONE` without one."""
    return _joined[-1] if _joined else ALONE


@contextmanager
def join_group(device: str) -> Iterator[DataParallel]:
    """Join the processes that the launcher has started with this one; alone without a launcher.

    Args:
        device: as a spec names it. On CUDA each process takes the GPU of its local rank, and
            tensors travel by NCCL; elsewhere by gloo.

    Raises:
        DataParallelError: if the others cannot be reached.
    """
    rank = launched_rank()
    if rank.size == 1 or _joined:
        yield current_group()
        return
    on_cuda = torch.cuda.is_available() and device.partition(":")[0] in ("auto", "cuda")
    where = torch.device("cuda", rank.local) if on_cuda else torch.device("cpu")
    if on_cuda:
        torch.cuda.set_device(where)
    with _naming_lost_processes():
        dist.init_process_group("nccl" if on_cuda else "gloo", timeout=STEP)
        control = dist.new_group(backend="gloo", timeout=UNIT)
    group = ProcessGroup(rank, where, control)
    _joined.append(group)
    try:
        yield group
    finally:
        _joined.pop()
        dist.destroy_process_group()


def digest_weights(tensors: Iterable[Tensor]) -> bytes:
    """Return the float64 sum of each tensor, as bytes."""
    sums = [tensor.detach().double().sum() for tensor in tensors]
    return torch.stack(sums).cpu().numpy().tobytes() if sums else b""


@contextmanager
def _naming_lost_processes() -> Iterator[None]:
    """Turn torch's error about a closed connection into ours."""
    try:
        yield
    # torch raises RuntimeError and its subclasses (DistBackendError, DistNetworkError).
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[0]
        raise DataParallelError(
            f"data-parallel training: another process has ended or cannot be reached ({reason}); "
            "its own message says why. Run the same line again to resume"
        ) from error
