"""Layer counts add up exactly and follow their rule."""

import math
import re
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from safecompress_core.errors import TopologyError
from safecompress_core.sparse.allocation import erdos_renyi, uniform

Shapes = dict[str, tuple[int, ...]]
Rule = Callable[[Shapes, float], dict[str, int]]

RULES: dict[str, Rule] = {
    "er": lambda shapes, density: erdos_renyi(shapes, density, kernel=False),
    "erk": lambda shapes, density: erdos_renyi(shapes, density, kernel=True),
    "uniform": uniform,
}
RAW_DENSITY: dict[str, Callable[[tuple[int, ...]], float]] = {
    "er": lambda shape: sum(shape[:2]) / math.prod(shape[:2]),
    "erk": lambda shape: sum(shape) / math.prod(shape),
    "uniform": lambda shape: 1.0,
}

_LINEAR = st.tuples(st.integers(1, 40), st.integers(1, 40))
_CONVOLUTION = st.tuples(*[st.integers(1, 8)] * 4)
SHAPES = st.lists(st.one_of(_LINEAR, _CONVOLUTION), min_size=1, max_size=6).map(
    lambda shapes: {f"layer{index}": shape for index, shape in enumerate(shapes)}
)


def capped_densities(raw: np.ndarray, sizes: np.ndarray, budget: float) -> np.ndarray:
    """RigL's search for ε in floating point: scale, make what exceeds 1 dense, scale again."""
    dense = np.zeros(len(raw), dtype=bool)
    while not dense.all():
        epsilon = (budget - sizes[dense].sum()) / (raw * sizes)[~dense].sum()
        over = ~dense & (epsilon * raw > 1 + 1e-12)
        if not over.any():
            return np.where(dense, 1.0, epsilon * raw)
        dense |= over
    return np.ones(len(raw))


@pytest.mark.parametrize("rule", RULES)
@given(shapes=SHAPES, density=st.floats(0.01, 1.0))
def test_counts_are_exact_and_within_one_of_the_rule(
    rule: str, shapes: Shapes, density: float
) -> None:
    """The total is exact, no layer is over-full, and each is within one weight of real-valued ε."""
    sizes = np.array([math.prod(shape) for shape in shapes.values()])
    total = round(density * int(sizes.sum()))
    try:
        counts = RULES[rule](shapes, density)
    except TopologyError:
        return  # too few for one each; the test of the message is below

    assert list(counts) == list(shapes)
    assert sum(counts.values()) == total
    assert all(1 <= count <= size for count, size in zip(counts.values(), sizes, strict=True))
    raw = np.array([RAW_DENSITY[rule](shape) for shape in shapes.values()])
    wanted = capped_densities(raw, sizes, total) * sizes
    assert np.all(np.abs(np.array(list(counts.values())) - wanted) < 1 + 1e-6)


def test_erdos_renyi_by_hand() -> None:
    """Shares 20 and 200 of 1,010 weights are 91.8 and 918.2: the larger remainder is rounded up."""
    shapes = {"small": (10, 10), "large": (100, 100)}

    assert erdos_renyi(shapes, 0.1, kernel=False) == {"small": 92, "large": 918}


def test_erdos_renyi_gives_what_a_full_layer_cannot_take_to_the_others() -> None:
    """At 2,020 weights the small layer's share would be 183.6 of its 100."""
    shapes = {"small": (10, 10), "large": (100, 100)}

    assert erdos_renyi(shapes, 0.2, kernel=False) == {"small": 100, "large": 1920}


@pytest.mark.parametrize(
    ("kernel", "expected"),
    [
        # (8 + 4)·9 = 108 to 42 of 152 weights
        (False, {"conv": 109, "fc": 43}),
        # 8 + 4 + 3 + 3 = 18 to 42
        (True, {"conv": 46, "fc": 106}),
    ],
)
def test_kernel_dimensions_count_only_when_asked(kernel: bool, expected: dict[str, int]) -> None:
    """ER sees a convolution by its channels, ERK by its whole shape."""
    shapes = {"conv": (8, 4, 3, 3), "fc": (10, 32)}

    assert erdos_renyi(shapes, 0.25, kernel=kernel) == expected


def test_uniform_gives_each_layer_the_same_density() -> None:
    """Where counts divide evenly, every layer has the density itself."""
    assert uniform({"a": (10, 10), "b": (20, 30)}, 0.25) == {"a": 25, "b": 150}


@pytest.mark.parametrize("rule", RULES)
def test_density_one_is_dense(rule: str) -> None:
    """At density 1 every layer is full."""
    shapes = {"a": (3, 7), "b": (5, 2, 3, 3)}

    assert RULES[rule](shapes, 1.0) == {"a": 21, "b": 90}


def refusal(rule: str, shapes: Shapes, density: float) -> str | None:
    """What the rule says where it refuses, None where it gives every layer a weight."""
    try:
        assert min(RULES[rule](shapes, density).values()) > 0
    except TopologyError as error:
        return str(error)
    return None


@pytest.mark.parametrize("rule", RULES)
@given(shapes=SHAPES, density=st.floats(1e-4, 0.2))
@example(shapes={"layer0": (30, 40), "layer1": (2, 3), "layer2": (4, 2, 3, 3)}, density=0.001)
def test_an_empty_layer_is_named_with_a_density_that_works(
    rule: str, shapes: Shapes, density: float
) -> None:
    """The density in the message works, and one weight fewer empties a layer."""
    message = refusal(rule, shapes, density)
    if message is None:
        return

    assert re.search(r"leaves (layer\d(, )?)+ without a single weight", message)
    least = float(message.rsplit(" ", 1)[1])
    counts = RULES[rule](shapes, least)
    sizes = sum(math.prod(shape) for shape in shapes.values())
    with pytest.raises(TopologyError):
        RULES[rule](shapes, (sum(counts.values()) - 1) / sizes)


def test_an_empty_layer_is_told_in_words() -> None:
    """Of 1,000 weights 49 leave the last layer 0.49 and 51 leave it 0.51, so it gets one."""
    with pytest.raises(TopologyError) as caught:
        uniform({"first": (99, 10), "last": (2, 5)}, 0.049)

    assert str(caught.value) == (
        "density 0.049 leaves last without a single weight; "
        "the smallest density that leaves no layer empty is 0.051"
    )


@pytest.mark.parametrize("density", [0.0, -0.1, 1.5, math.nan])
def test_density_is_a_fraction(density: float) -> None:
    """What is no fraction in (0, 1] is refused."""
    with pytest.raises(TopologyError, match="density is a fraction"):
        uniform({"a": (3, 3)}, density)
