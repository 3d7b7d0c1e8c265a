"""Specs of any kind, checked."""

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from safecompress_core.host import Registry, load_plugins
from safecompress_core.specfile.models.any_spec import validate
from safecompress_core.specfile.shipped import find_shipped_specs
from safecompress_core.specfile.yaml.overrides import Overrides
from tests.core.specfile.conftest import GOOD


@pytest.fixture
def good() -> dict[str, Any]:
    """A valid spec of a run as YAML gives it."""
    values: dict[str, Any] = YAML(typ="safe", pure=True).load(GOOD)
    return values


def told(written: Any, registry: Registry, overrides: Overrides = ()) -> list[str]:
    """The problems of a spec, as a user reads them."""
    validation = validate(written, overrides=overrides, registry=registry)
    return [str(problem) for problem in validation.problems]


@pytest.mark.parametrize("name", ["multi_attack", "audit_model", "desk/handwriting"])
def test_specs_of_runs_audits_and_comparisons_are_valid(name: str) -> None:
    """Each by the rules of its kind."""
    assert told(find_shipped_specs()[name], load_plugins().registry) == []


def test_a_dictionary_has_the_problems_of_its_file_without_lines(
    good: dict[str, Any], registry: Registry, tmp_path: Path
) -> None:
    """The same rules: only the place is another."""
    wrong = {**good, "seed": "many", "extra": 1}
    path = tmp_path / "wrong.yaml"
    with path.open("w") as file:
        YAML(typ="safe", pure=True).dump(wrong, file)

    assert told(good, registry) == []
    in_file = {text.split(" ", 1)[1] for text in told(path, registry)}
    in_dictionary = told(wrong, registry)
    assert {text.removeprefix("<dict>: ") for text in in_dictionary} == in_file
    assert "<dict>: seed: 'many' is not a whole number; write a whole number" in in_dictionary


def test_a_dictionary_may_extend_a_file(
    good: dict[str, Any], registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Relative to the working directory; problems of the file keep their lines."""
    monkeypatch.chdir(tmp_path)
    Path("base.yaml").write_text(GOOD.replace("version: 1", "version: one"))

    assert told({"extends": "base.yaml", "version": 1}, registry) == []
    [problem] = told({"extends": "base.yaml"}, registry)
    assert problem.startswith("base.yaml:1:10: version: ")
    [problem] = told({"extends": 3}, registry)
    assert problem.startswith("<dict>: extends: 'extends' is the path of one file")


def test_overrides_may_be_values_by_their_fields(good: dict[str, Any], registry: Registry) -> None:
    """Besides texts as ``--set`` takes them."""
    assert told(good, registry, {"seed": 5, "training.epochs": 3}) == []
    assert told(good, registry, {"seed": "x"}) == [
        "overrides: seed: 'x' is not a whole number; write a whole number"
    ]
    assert told(good, registry, {"attackers.9.id": "x"})[0].startswith(
        "overrides: attackers.9.id: 'attackers' is a list of "
    )
    assert told(good, registry, ["seed=x"]) == [
        "--set seed=x:1:6: seed: 'x' is not a whole number; write a whole number"
    ]
