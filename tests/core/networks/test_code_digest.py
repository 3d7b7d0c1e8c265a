"""Digest of Python code."""

import subprocess
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from safecompress_core.networks.code_digest import digest_of


def trainer(rate: float, data: Any) -> Callable[[int], Any]:
    """A function that closes over two values."""

    def train(seed: int) -> Any:
        return [rate * row + seed for row in data]

    return train


def test_values_that_a_function_closes_over_count() -> None:
    """By content: an equal array is the same."""
    data = np.arange(3)
    first = digest_of(trainer(0.1, data))

    assert first == digest_of(trainer(0.1, data.copy()))
    assert first != digest_of(trainer(0.2, data))
    assert first != digest_of(trainer(0.1, data + 1))
    assert digest_of(partial(trainer, 0.1)) != digest_of(partial(trainer, 0.2))


def test_code_counts() -> None:
    """Also that of functions within."""
    assert digest_of(lambda seed: seed + 1) != digest_of(lambda seed: seed + 2)
    assert digest_of(lambda: lambda x: x + 1) != digest_of(lambda: lambda x: x + 2)


def test_the_methods_of_a_class_count() -> None:
    """Also behind properties, and in a function that closes over the class."""

    def kind(rate: float, size: int) -> type:
        class Kind:
            def __init__(self) -> None:
                super().__init__()

            def call(self) -> float:
                return rate

            @property
            def size(self) -> int:
                return size

        return Kind

    first = digest_of(kind(0.1, 1))

    assert first == digest_of(kind(0.1, 1))
    assert len({first, digest_of(kind(0.2, 1)), digest_of(kind(0.1, 2))}) == 3
    one, two = kind(0.1, 1), kind(0.2, 1)
    assert digest_of(lambda: one) != digest_of(lambda: two)


def test_a_function_may_close_over_itself() -> None:
    """It is followed to a bounded depth."""

    def count(n: int) -> int:
        return 0 if n == 0 else count(n - 1)

    assert len(digest_of(count)) == 64


def test_the_digest_is_the_same_in_another_process() -> None:
    """No address and no order of a set decides it."""
    code = (
        "import runpy, sys\n"
        "here = runpy.run_path(sys.argv[1])\n"
        "print(here['digest_of'](here['trainer'](0.1, [1, 2])))"
    )
    output = subprocess.run(
        [sys.executable, "-c", code, __file__], capture_output=True, text=True, check=True
    )

    assert output.stdout.strip() == digest_of(trainer(0.1, [1, 2]))
