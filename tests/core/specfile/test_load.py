"""From a file to a spec."""

from collections.abc import Callable
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from safecompress_core.api import AttackerParams
from safecompress_core.errors import SpecError
from safecompress_core.host import Registry
from safecompress_core.specfile.load import LoadedSpec, load_spec

BAD = """\
version: 1
name: Bad
seed: -1
task:
  data: {type: letters, count: "3"}
  model: {type: mpl}
training: {epochs: 1, epochs: 2}
method: {type: loop, dens: 0.1}
"""


def test_all_problems_are_told_at_once_in_the_order_of_the_file(
    problems: Callable[..., list[str]],
) -> None:
    """Those of the text, of the fields and of overrides, which come last."""
    found = problems("gate=3", "nothing", text=BAD)

    assert [problem.split(": ")[0] for problem in found] == [
        "trial.yaml:2:7",
        "trial.yaml:3:7",
        "trial.yaml:5:32",
        "trial.yaml:6:17",
        "trial.yaml:7:23",
        "trial.yaml:8:9",
        "trial.yaml:8:22",
        "--set gate=3:1:6",
        "--set nothing:1:1",
    ]


def test_problems_with_the_text_alone_still_refuse_the_spec(
    problems: Callable[..., list[str]],
) -> None:
    """A duplicate key is an error even where the values that remain are good."""
    task = "task: {data: {type: letters}, model: {type: mlp}}"
    text = f"version: 1\nname: a\nname: b\n{task}\nmethod: {{type: loop, density: 1}}\n"

    assert problems(text=text) == [
        "trial.yaml:3:1: name: the key 'name' is given twice (first on line 2); keep one of them"
    ]


def test_a_spec_holds_the_plugins_own_parameters(loaded: Callable[..., LoadedSpec]) -> None:
    """So that an implementation gets the class that it was written for."""
    spec = loaded().spec

    assert all(isinstance(one, AttackerParams) for one in spec.audit.attackers)
    assert spec.method.defences[0].target == 0.3  # type: ignore[attr-defined]


def test_the_resolved_spec_has_every_default_and_loads_as_the_same(
    loaded: Callable[..., LoadedSpec], registry: Registry
) -> None:
    """Also after its way through YAML, which is how a run directory keeps it."""
    first = loaded()
    with Path("resolved.yaml").open("w") as file:
        YAML(typ="safe", pure=True).dump(first.resolved, file)

    second = load_spec(Path("resolved.yaml"), registry=registry)

    assert second.spec == first.spec
    assert second.resolved == first.resolved
    assert first.resolved["training"]["batch_size"] == 64
    assert first.resolved["method"]["steps"][0]["set"] == {"smooth.target": [0.1, 0.3]}
    assert next(iter(first.resolved["attackers"][0])) == "type"


def test_overrides_are_applied_before_validation(loaded: Callable[..., LoadedSpec]) -> None:
    """And land in the resolved spec."""
    found = loaded("training.epochs=7", "audit.attackers.0.weight=2")

    assert found.spec.training.epochs == 7
    assert found.spec.audit.attackers[0].weight == 2
    assert found.resolved["training"]["epochs"] == 7


def test_a_problem_in_a_base_is_told_there(registry: Registry, tmp_path: Path) -> None:
    """After those of the file that was asked for."""
    (tmp_path / "base.yaml").write_text("version: 1\nseed: x\ntask: {data: {type: letters}}\n")
    mine = tmp_path / "mine.yaml"
    mine.write_text("extends: base.yaml\nname: a\ntask: {model: {type: mlp}}\nmethod: {type: lop}")

    with pytest.raises(SpecError) as caught:
        load_spec(mine, registry=registry)

    assert str(caught.value).splitlines() == [
        f"{mine}:4:16: method.type: no method is called 'lop'; did you mean 'loop'?",
        f"{tmp_path}/base.yaml:2:7: seed: 'x' is not a whole number; write a whole number",
    ]


def test_a_problem_found_later_has_its_place_too(loaded: Callable[..., LoadedSpec]) -> None:
    """Of the value if it is written, else of the nearest mapping around it."""
    found = loaded()

    written = found.problem(("method", "density"), "a layer would be empty", "write 0.2")
    assert str(written) == "trial.yaml:8:12: method.density: a layer would be empty; write 0.2"
    default = found.problem(("method", "update_fraction"), "too small", "write 1")
    assert (default.line, default.column) == (7, 3)
    assert found.problem(("training", "epochs"), "too few", "write 9").line == 1


def test_a_default_that_is_not_installed_is_told(registry: Registry, tmp_path: Path) -> None:
    """At the top of the spec, since it is written nowhere."""
    without = Registry(
        (one, registry.origin(one)) for one in registry if one.name not in {"pareto", "file-bytes"}
    )
    file = tmp_path / "a.yaml"
    task = "task: {data: {type: letters}, model: {type: mlp}}"
    file.write_text(f"version: 1\nname: a\n{task}\nmethod: {{type: loop, density: 1}}\n")

    with pytest.raises(SpecError) as caught:
        load_spec(file, registry=without)

    assert str(caught.value).splitlines() == [
        f"{file}:1:1: choose.type: no aggregator is called 'pareto'; there are: blend",
        f"{file}:1:1: metrics.1.type: no metric is called 'file-bytes'; there are: accuracy",
    ]
