"""The boundary: any failure of a component names the component."""

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from safecompress_core.api import (
    BLACK_BOX,
    AggregatorDef,
    AttackerDef,
    AttackerParams,
    DataDef,
    DefenceDef,
    Definition,
    MethodDef,
    MetricDef,
    ModelDef,
    Params,
    Role,
    StrategyDef,
)
from safecompress_core.attacks.adversary import (
    AdversaryKnowledge,
    Attacker,
    Evader,
    Extractor,
    Inverter,
    PerturbationBudget,
)
from safecompress_core.choose.aggregator import Aggregator, Objectives
from safecompress_core.data.dataset import DataSource
from safecompress_core.errors import ComponentError, PoolError
from safecompress_core.host import Origin
from safecompress_core.host.boundary import Owner, culprit, owner_of, raising_as, wrap_component
from safecompress_core.methods.method import Method
from safecompress_core.metric import Metric, SampleMetric
from safecompress_core.networks.classifier import ModelFactory
from safecompress_core.sparse.strategy import Grow, Initial, Prune
from safecompress_core.sparse.topology import Topology
from safecompress_core.training.defence import Defence

ORIGIN = Origin(plugin="parts", distribution="acme", version="1.0")
COMMON: dict[str, Any] = {"name": "odd", "params": Params, "target": "acme:Odd", "summary": "Odd."}
ATTACKER = AttackerDef(**{**COMMON, "params": AttackerParams}, game="membership", needs=BLACK_BOX)

SEEN = SimpleNamespace(labels=torch.zeros(4, dtype=torch.int64), inputs=torch.full((4, 3), 0.5))
EVIDENCE = AdversaryKnowledge(seen=SEEN, truth=None, values=2)  # type: ignore[arg-type]
WEIGHTS = {"fc": torch.arange(8.0)}
HALF = Topology.from_masks({"fc": torch.tensor([1, 1, 1, 1, 0, 0, 0, 0])})
OBJECTIVES = Objectives(
    performance=np.zeros(3),
    advantage=np.zeros((3, 1)),
    attack_accuracy=np.zeros((3, 1)),
    weights=np.ones(1),
)
BALL = PerturbationBudget(norm="linf", epsilon=0.1, low=torch.tensor(0.0), high=torch.tensor(1.0))
GENERATOR = torch.Generator()


def one_of(interface: type, method: str, does: Callable[..., Any], definition: Definition) -> Any:
    """A guarded component whose one method calls a given function."""
    names = getattr(interface, "__abstractmethods__", frozenset())
    own = type("Odd", (interface,), {**dict.fromkeys(names, lambda *_, **__: None), method: does})
    return wrap_component(own(), Owner(definition, Params(), ORIGIN))


def returning(value: Any) -> Callable[..., Any]:
    """A method that returns a value."""
    return lambda *_, **__: value


def mask(*positions: int) -> Mapping[str, torch.Tensor]:
    """A mask of the layer with these positions."""
    found = torch.zeros(8, dtype=torch.bool)
    found[list(positions)] = True
    return {"fc": found}


CALLS: dict[str, tuple[type, str, Definition, tuple[Any, ...], dict[str, Any]]] = {
    "score": (Attacker, "score", ATTACKER, (EVIDENCE,), {}),
    "perturb": (Evader, "perturb", ATTACKER, (EVIDENCE, BALL), {"generator": GENERATOR}),
    "reconstruct": (
        Inverter,
        "reconstruct",
        ATTACKER,
        (EVIDENCE, [0, 1]),
        {"generator": GENERATOR},
    ),
    "answer": (Extractor, "answer", ATTACKER, (SEEN.inputs,), {}),
    "measure": (Metric, "measure", MetricDef(**COMMON), (None,), {}),
    "per_sample": (SampleMetric, "per_sample", MetricDef(**COMMON), (SEEN.labels,), {}),
    "utilities": (Aggregator, "utilities", AggregatorDef(**COMMON), (OBJECTIVES,), {}),
    "topology": (
        Initial,
        "topology",
        StrategyDef(**COMMON, role=Role.INITIAL),
        (WEIGHTS, 0.5),
        {"inherited": False, "generator": GENERATOR},
    ),
    "drop": (
        Prune,
        "drop",
        StrategyDef(**COMMON, role=Role.PRUNE),
        (WEIGHTS, HALF),
        {"fraction": 0.5},
    ),
    "grow": (
        Grow,
        "grow",
        StrategyDef(**COMMON, role=Role.GROW),
        (HALF, {"fc": 2}),
        {"gradients": None, "generator": GENERATOR},
    ),
    "transform": (Defence, "transform", DefenceDef(**COMMON), (None,), {"generator": GENERATOR}),
    "loss": (Defence, "loss", DefenceDef(**COMMON), (None, torch.tensor(1.0)), {}),
    "run": (Method, "run", MethodDef(**COMMON), (None,), {}),
    "load": (DataSource, "load", DataDef(**COMMON), (), {}),
    "build": (
        ModelFactory,
        "build",
        ModelDef(**COMMON),
        (),
        {"input_shape": (3,), "classes": 2, "generator": GENERATOR},
    ),
}


def call(name: str, does: Callable[..., Any]) -> Any:
    """Call a method of a component that runs a given function."""
    interface, method, definition, args, kwargs = CALLS[name]
    return getattr(one_of(interface, method, does, definition), method)(*args, **kwargs)


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(0), KeyError("x")])
def test_what_a_component_raises_is_told_with_its_name(name: str, error: BaseException) -> None:
    """Also an exit, which would end the command with code 0."""

    def does(*_: object, **__: object) -> None:
        raise error

    with pytest.raises(ComponentError) as caught:
        call(name, does)

    assert caught.value.__cause__ is error
    assert str(caught.value).startswith("acme 1.0: parts: ")
    assert f"'odd': {name}() raised {type(error).__name__}: " in str(caught.value)


@pytest.mark.parametrize("name", CALLS)
def test_a_method_of_another_signature_is_told_with_its_name(name: str) -> None:
    """It has a parameter that the interface does not pass."""
    with pytest.raises(ComponentError, match=rf"{name}\(\) raised TypeError: .*'colour'"):
        call(name, lambda self, *_, colour, **__: None)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        (
            "score",
            torch.full((4,), torch.nan),
            "returned 4 NaN for 4 samples; it must return a tensor of shape (4,), without NaN",
        ),
        ("score", torch.zeros(4, 2), "returned shape (4, 2) for 4 samples"),
        ("score", torch.zeros(3), "returned shape (3,) for 4 samples"),
        ("score", None, "returned NoneType for 4 samples"),
        ("score", np.zeros(4), "returned ndarray for 4 samples"),
        ("perturb", torch.full((4, 3), 0.9), "an input was moved by 0.4 in linf"),
        ("perturb", torch.full((4, 3), torch.nan), "not all finite"),
        (
            "reconstruct",
            torch.zeros(2, 4),
            "returned shape (2, 4); it must return a tensor of finite numbers, of shape (2, 3)",
        ),
        ("reconstruct", torch.full((2, 3), torch.inf), "returned 6 values that are not finite"),
        ("answer", torch.zeros(4), "returned torch.float32 of shape (4,)"),
        ("measure", 0.5, "returned float; it must return an Estimate"),
        ("per_sample", torch.full((4,), 1.5), "returned 4 values outside of [0, 1]"),
        ("utilities", np.full(3, np.nan), "returned 3 numbers that are not finite"),
        ("utilities", np.zeros(2), "returned shape (2,); it must return an array of 3"),
        ("topology", None, "returned NoneType; it must return a Topology"),
        (
            "topology",
            Topology.from_masks(mask(0, 1)),
            "returned 2 active weights of 8; it must return 4",
        ),
        ("drop", mask(5), "returned 1 positions of fc that are not active"),
        ("drop", mask(0, 1, 2, 3), "returned 4 positions of fc; it must return at most 3"),
        ("drop", {"gone": torch.ones(1, dtype=torch.bool)}, "no layer has this name"),
        ("grow", mask(0, 5), "returned 1 positions of fc that are active already"),
        ("grow", mask(5), "returned 1 positions; it must return 2"),
        ("transform", None, "returned NoneType; it must return a Batch"),
        ("loss", torch.zeros(4), "returned shape (4,); it must return a scalar"),
        ("loss", 0.5, "returned float; it must return a scalar"),
        ("run", None, "returned NoneType; it must return a MethodOutcome"),
        ("load", [], "returned list; it must return a Dataset"),
        ("build", nn.ReLU, "returned type; it must return a torch.nn.Module"),
    ],
)
def test_an_answer_against_the_interface_is_told_with_what_is_wanted(
    name: str, value: object, message: str
) -> None:
    """The message has the returned value and the expected one."""
    with pytest.raises(ComponentError) as caught:
        call(name, returning(value))

    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("score", torch.zeros(4)),
        ("perturb", torch.full((4, 3), 0.55)),
        ("drop", mask(0, 1)),
        ("grow", mask(5, 6)),
        ("utilities", np.zeros(3)),
        ("topology", HALF),
    ],
)
def test_a_good_answer_is_handed_on(name: str, value: object) -> None:
    """The same object, untouched."""
    assert call(name, returning(value)) is value


def test_an_attribute_attackers_scores_have_a_column_for_each_value() -> None:
    """Shape (N, V), where membership has (N,)."""
    knowledge = replace(EVIDENCE, is_per_value=True)

    found = one_of(Attacker, "score", returning(torch.zeros(4, 2)), ATTACKER).score(knowledge)
    with pytest.raises(ComponentError, match=r"returned shape \(4,\) .* of shape \(4, 2\)"):
        one_of(Attacker, "score", returning(torch.zeros(4)), ATTACKER).score(knowledge)

    assert found.shape == (4, 2)


def test_errors_that_are_meant_for_the_user_pass() -> None:
    """SafeCompress errors of a component are not wrapped."""

    def does(*_: object) -> None:
        raise PoolError("too few members")

    with pytest.raises(PoolError, match="^too few members$"):
        call("score", does)


def test_a_generator_that_fails_later_is_told_as_well() -> None:
    """Problems are yielded one by one, after the call has ended."""

    def does(*_: object) -> Iterator[object]:
        yield "first"
        raise ZeroDivisionError("division by zero")

    problems = one_of(Defence, "check", does, DefenceDef(**COMMON)).check(None)

    assert next(problems) == "first"
    with pytest.raises(ComponentError, match=r"check\(\) raised ZeroDivisionError"):
        next(problems)


def test_copies_stay_guarded_and_are_copies() -> None:
    """Attackers are copied for every candidate, with what they have learned."""

    class Learning(Attacker):
        """Learns a number."""

        def fit(self, known: Any, *, generator: torch.Generator) -> None:
            self.learned = known

        def score(self, evidence: Any) -> torch.Tensor:
            return torch.full((4,), float(self.learned))

    first = wrap_component(Learning(), Owner(ATTACKER, AttackerParams(), ORIGIN))
    first.fit(1, generator=GENERATOR)
    second = copy.deepcopy(first)
    second.adapt(torch.nan, generator=GENERATOR)

    assert isinstance(first, Learning)
    assert type(first).__name__ == "Learning"
    assert first.score(EVIDENCE).tolist() == [1, 1, 1, 1]
    assert owner_of(second) is owner_of(first)
    with pytest.raises(ComponentError, match="returned 4 NaN"):
        second.score(EVIDENCE)


def test_the_innermost_component_is_told() -> None:
    """A method that calls a defence is not to blame for it."""
    inner, outer = (Owner(kind(**COMMON), Params(), ORIGIN) for kind in (DefenceDef, MethodDef))

    with (
        pytest.raises(ComponentError, match=r"defence 'odd': loss\(\) raised OSError"),
        raising_as(outer, "run()"),
        raising_as(inner, "loss()"),
    ):
        raise OSError("gone")


def test_code_outside_of_components_is_told_by_its_module() -> None:
    """For example parameters with validators; a single file has a module of its own."""
    space: dict[str, Any] = {"__name__": "safecompress_file_mine"}
    exec("def check(): raise ValueError('odd')", space)  # noqa: S102  a module in a line

    with pytest.raises(ValueError, match="odd") as caught:
        space["check"]()

    assert culprit(caught.value) == "mine.py"
    assert culprit(ValueError("never raised")) is None
