"""The rank of a process, as a launcher states it."""

import pytest

from safecompress_core.training.rank import Rank, launched_rank

TORCHRUN = {
    "RANK": "3",
    "WORLD_SIZE": "4",
    "LOCAL_RANK": "1",
    "MASTER_ADDR": "a",
    "MASTER_PORT": "1",
}


def test_a_launched_process_has_the_rank_of_its_environment() -> None:
    """Only rank 0 leads."""
    rank = launched_rank(TORCHRUN)

    assert rank == Rank(number=3, size=4, local=1)
    assert not rank.is_leader


@pytest.mark.parametrize("missing", ["RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"])
def test_without_a_launcher_there_is_one_process(missing: str) -> None:
    """Some platforms set a part of the variables for every program."""
    variables = {name: value for name, value in TORCHRUN.items() if name != missing}

    assert launched_rank(variables) == Rank()
    assert Rank().is_leader
