"""Randomness depends on what a unit is, never on what ran before it."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from safecompress_core.seeding import Seed, global_random_state


def test_children_are_told_apart_by_their_whole_path() -> None:
    """Whatever the names are split into, and in which order."""
    numbers = {
        Seed(18).child(*path).number
        for path in [(), ("a",), ("b",), ("a", "b"), ("b", "a"), ("ab",), ("a", ""), ("1", "2")]
    }
    numbers |= {Seed(19).child("a").number, Seed(1).child("12").number, Seed(11).child("2").number}

    assert len(numbers) == 11
    assert all(0 <= number < 2**63 for number in numbers)


def test_a_childs_child_is_reached_in_one_step_or_two() -> None:
    """A number is as good a name as its text."""
    assert Seed(3).child("round", 2).number == Seed(3).child("round").child("2").number


def test_generators_are_fresh_at_every_call() -> None:
    """Two users of one unit draw the same, and neither moves the other."""
    seed = Seed(5).child("batches", 3)
    one, other = seed.torch(), seed.torch()

    assert torch.equal(torch.randperm(50, generator=one), torch.randperm(50, generator=other))
    assert one.device.type == "cpu"
    assert seed.numpy().integers(1 << 40) == seed.numpy().integers(1 << 40)


def test_numbers_are_the_same_in_every_process() -> None:
    """Python's own hash is not."""
    code = "from safecompress_core.seeding import Seed; print(Seed(18).child('training', 1).number)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)

    # The first 16 digits of what `sha256sum` of coreutils says of "18", "training" and "1" with the
    # byte 0x1f between them, as a number of 63 bits.
    expected = 0xF3D15FAA89657575 >> 1
    assert int(told.stdout) == Seed(18).child("training", 1).number == expected


def test_code_that_knows_global_state_alone_is_lent_a_generators_draw() -> None:
    """The same generator, the same numbers; afterwards all is as before."""
    before, before_numpy = torch.get_rng_state(), np.random.get_state(legacy=False)  # noqa: NPY002
    drawn = []
    for seed in (1, 1, 2):
        with global_random_state(Seed(seed).torch()):
            numbers = np.random.rand(4)  # noqa: NPY002  the state that is lent
            drawn.append(torch.cat([torch.rand(4), torch.from_numpy(numbers)]))

    assert torch.equal(drawn[0], drawn[1])
    assert not (drawn[0] == drawn[2]).any()
    assert torch.equal(torch.get_rng_state(), before)
    np.testing.assert_equal(np.random.get_state(legacy=False), before_numpy)  # noqa: NPY002


def test_an_error_gives_the_global_state_back_too() -> None:
    """A diverged training must not leave its mark on the next."""
    before = torch.get_rng_state()

    with pytest.raises(RuntimeError, match="shape"), global_random_state(Seed(1).torch()):
        torch.rand(4).view(3)

    assert torch.equal(torch.get_rng_state(), before)


def test_each_loan_moves_the_generator_on() -> None:
    """Two loans of one generator are two different draws."""
    generator = Seed(1).torch()
    drawn = []
    for _ in range(2):
        with global_random_state(generator):
            drawn.append(torch.rand(4))

    assert not torch.equal(*drawn)
