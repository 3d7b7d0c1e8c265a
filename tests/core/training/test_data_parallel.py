"""Training by two processes that divide each batch between them, on the CPU."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from safecompress_core.training.data_parallel import ALONE, DataParallel, current_group, join_group
from safecompress_core.training.rank import Rank
from tests.core.fixtures import data_parallel_program
from tests.core.fixtures.data_parallel_program import DEFENCES, SAME_DRAWS, train

PROGRAM = Path(data_parallel_program.__file__)
PROCESSES = 2

LAUNCH = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", str(PROCESSES)]

GROUP_ENDS = """
import sys, time
from safecompress_core.training.data_parallel import join_group
with join_group("cpu") as group:
    group.wait()
    if group.rank.number == 1:
        sys.exit(3)
    try:
        group.wait()
    except Exception as error:
        print(f"{type(error).__name__}: {error}", flush=True)
        raise
"""


def launch(program: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Start two processes, each with one thread, as torchrun does."""
    return subprocess.run(
        [*LAUNCH, str(program), *arguments],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What two processes of the program have written."""
    folder = tmp_path_factory.mktemp("parallel")
    done = launch(PROGRAM, str(folder))
    assert done.returncode == 0, done.stderr
    return folder


Trained = Callable[[str, int], dict[str, torch.Tensor]]


@pytest.fixture
def trained(folder: Path) -> Trained:
    """Returns what a process has trained in a case, by the number of its rank."""
    return lambda case, rank: load_file(folder / f"{case}-{rank}.safetensors")


@pytest.mark.parametrize("case", DEFENCES)
def test_all_processes_end_with_the_same_model(case: str, trained: Trained) -> None:
    """Weights, masks, moments and what defences have learned are equal to the last bit."""
    first, second = trained(case, 0), trained(case, 1)

    assert first.keys() == second.keys()
    different = [name for name in first if not torch.equal(first[name], second[name])]
    assert different == []


@pytest.mark.parametrize("case", SAME_DRAWS)
def test_two_processes_train_as_one_does(case: str, trained: Trained, tmp_path: Path) -> None:
    """Masks are the same and weights but for rounding: batches are global, and so are means."""
    alone, together = train(case, tmp_path), trained(case, 0)

    masks = [name for name in alone if name.startswith("mask.")]
    assert masks
    assert all(torch.equal(alone[name], together[name]) for name in masks)
    for name in alone:
        if name.startswith("network."):
            torch.testing.assert_close(together[name], alone[name], rtol=1e-3, atol=1e-4)


def test_a_process_that_ends_is_an_error_in_the_others(tmp_path: Path) -> None:
    """The others do not wait for it: the launcher ends, too."""
    (tmp_path / "ends.py").write_text(GROUP_ENDS)

    done = launch(tmp_path / "ends.py")

    assert done.returncode != 0
    said = "DataParallelError: data-parallel training: another process has ended"
    # The launcher may end the other process before it has said anything.
    assert said in done.stdout or "exitcode  : 3" in done.stderr


def test_processes_that_have_come_apart_are_named(folder: Path) -> None:
    """Each of them says what differs, and where."""
    said = "data-parallel training: the topology differs between rank 0 and rank 1"

    assert [(folder / f"{rank}.txt").read_text().startswith(said) for rank in (0, 1)] == [True] * 2


class Third(DataParallel):
    """The last of three processes."""

    rank = Rank(number=2, size=3)


def test_slices_are_contiguous_and_nearly_equal() -> None:
    """Of eight samples three processes have two, three and three."""
    assert Third().bounds(8) == (5, 8)
    assert Third().copies(8) == 1


def test_a_batch_too_small_to_divide_is_given_to_all() -> None:
    """Batch normalisation needs two samples in each process."""
    assert Third().bounds(5) == (0, 5)
    assert Third().copies(5) == 3


def test_one_process_divides_nothing() -> None:
    """Without a launcher there is no group to join."""
    values, generator = torch.tensor([1.0, 2.0]), torch.Generator()
    with join_group("cpu") as group:
        assert group is current_group() is ALONE
        assert group.bounds(7) == (0, 7)
        assert group.sum(values) is values
        assert float(group.mean(values)) == 1.5
        assert group.own_generator(generator) is generator
