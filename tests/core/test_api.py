"""What manifests import."""

import re
import subprocess
import sys

import pytest
from pydantic import ValidationError

from safecompress_core import api, errors, host
from safecompress_core.api import (
    BLACK_BOX,
    GRAY_BOX,
    LABEL_ONLY,
    WHITE_BOX,
    Access,
    AttackerDef,
    AttackerParams,
    InitialParams,
    Need,
    Params,
    Workload,
)
from safecompress_core.specfile.translate import find_problems


def modules_after(code: str) -> set[str]:
    """Names of all modules that a fresh interpreter has loaded after running some code."""
    script = f"{code}\nimport sys\nprint(*sys.modules)"
    outcome = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return set(outcome.stdout.split())


@pytest.mark.parametrize("module", [api, errors, host])
def test_all_is_sorted_and_exists(module: object) -> None:
    """``__all__`` is the public interface: constants, classes, functions, nothing missing."""
    names = module.__all__  # type: ignore[attr-defined]

    assert names == sorted(set(names), key=lambda name: (not name.isupper(), name))
    assert [name for name in names if not hasattr(module, name)] == []


def test_the_plugin_interface_needs_neither_torch_nor_numpy() -> None:
    """Specs are validated on machines that have only the base install."""
    loaded = modules_after("import safecompress_core.api, safecompress_core.host")

    assert not {"numpy", "torch"} & loaded


def test_the_error_tree_in_the_docstring_is_complete() -> None:
    """Whoever catches errors reads that tree."""
    drawn = re.findall(r"\b\w+Error\b", errors.__doc__ or "")

    assert set(drawn) - {"SafeCompressError"} == set(errors.__all__) - {"SafeCompressError"}


def test_access_covers_what_is_weaker() -> None:
    """Levels include all those before them and none after."""
    assert [a.covers(Access.BLACK_BOX) for a in Access] == [False, True, True, True]


def test_levels_of_access_are_sets_of_needs() -> None:
    """The weakest level that gives what an attacker needs of the model is its access."""
    assert [access.needs for access in Access] == [LABEL_ONLY, BLACK_BOX, GRAY_BOX, WHITE_BOX]
    assert LABEL_ONLY < BLACK_BOX < GRAY_BOX < WHITE_BOX
    for needs, access in (
        (BLACK_BOX | {Need.REFERENCES}, Access.BLACK_BOX),
        (frozenset({Need.QUERIES}), Access.GRAY_BOX),
        (frozenset({Need.ENCODING}), Access.LABEL_ONLY),
    ):
        attacker = AttackerDef(
            name="any",
            params=AttackerParams,
            target="x:Y",
            summary="Any.",
            game="membership",
            needs=needs,
        )
        assert attacker.access is access


def test_parameters_are_immutable_and_know_their_fields() -> None:
    """A misspelt or infinite parameter is an error, never ignored."""
    with pytest.raises(ValidationError, match="frozen"):
        AttackerParams().weight = 2.0  # type: ignore[misc]
    with pytest.raises(ValidationError, match="Extra inputs"):
        AttackerParams(wieght=2.0)  # type: ignore[call-arg]
    with pytest.raises(ValidationError, match="finite"):
        AttackerParams(weight=float("inf"))


def test_defaults_are_validated_as_well() -> None:
    """A plugin whose own default breaks its own rule is found out at once."""

    class WrongParams(Params):
        count: int = "many"  # type: ignore[assignment]

    with pytest.raises(ValidationError, match="valid integer"):
        WrongParams()


def test_weights_may_start_from_several_kinds() -> None:
    """One kind is written as a word or as a list."""
    assert InitialParams().starts == ("random",)
    assert InitialParams(weights="inherit").starts == ("inherit",)
    assert InitialParams(weights=["random", "inherit"]).starts == ("random", "inherit")


@pytest.mark.parametrize(
    ("weights", "path", "message"),
    [
        ("rondom", ("weights",), "'rondom' is no option; did you mean 'random'?"),
        (["random", "rondom"], ("weights", 1), "'rondom' is no option; did you mean 'random'?"),
        ([], ("weights",), "there are no entries; write 1 or more"),
        (
            ["random", "random"],
            ("weights",),
            "'random' is listed more than once; write it once",
        ),
    ],
)
def test_each_kind_of_weights_is_listed_once(
    weights: object, path: tuple[str | int, ...], message: str
) -> None:
    """One problem, and not one for each form that was possible."""
    with pytest.raises(ValidationError) as refusal:
        InitialParams.model_validate({"weights": weights})

    [problem] = find_problems(refusal.value, model=InitialParams)
    assert (problem.path, f"{problem.message}; {problem.hint}") == (path, message)


@pytest.mark.parametrize(
    ("work", "chooses"),
    [
        (Workload(epochs=5), False),
        (Workload(epochs=5, tests=2, candidates=(1, 1)), False),
        (Workload(epochs=5, tests=3, candidates=(2, 1)), True),
        (Workload(epochs=5, tests=12), True),
    ],
    ids=["no tests", "one model a round", "two models in a round", "a search without rounds"],
)
def test_tests_of_several_models_choose(work: Workload, chooses: bool) -> None:
    """Rounds that test one model have nothing to choose from."""
    assert work.chooses is chooses
