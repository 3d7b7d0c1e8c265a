"""Defences that a method cannot host."""

from collections.abc import Callable
from pathlib import Path

import pytest

from safecompress_core.api import Definition, MethodDef, MethodParams
from safecompress_core.errors import SpecError
from safecompress_core.host import Origin, Registry
from safecompress_core.specfile.load import load_spec


class Picky(MethodParams):
    """A method that cannot host everything."""

    density: float = 0.5
    steps: list[object] = []


@pytest.fixture
def picky(definitions: tuple[Definition, ...]) -> Registry:
    """What the tests' specs may name, and a method that refuses one of the defences."""
    method = MethodDef(
        name="picky",
        params=Picky,
        target="trial:Trial",
        summary="Picky.",
        refuses={"smooth": "it smooths the loss itself"},
    )
    origin = Origin(plugin="trial", distribution="trial-plugins", version="1.0")
    return Registry((one, origin) for one in (*definitions, method))


def test_a_refused_defence_is_told_with_reason_and_other_methods(
    picky: Registry, changed: Callable[[str, str], str], tmp_path: Path
) -> None:
    """By the name that the spec gives it, at its place."""
    file = tmp_path / "trial.yaml"
    text = changed("type: loop", "type: picky").replace(
        "      set: {smooth.target: [0.1, 0.3]}", ""
    )
    file.write_text(text.replace("{type: smooth,", "{type: smooth, id: mine,"))

    with pytest.raises(SpecError) as refused:
        load_spec(file, registry=picky)

    assert str(refused.value) == (
        f"{file}:10:14: method.defences.0.type: 'picky' cannot host the defence 'mine': it smooths "
        "the loss itself; take it out, or use a method that can: loop"
    )


def test_every_other_defence_is_hosted(
    picky: Registry, changed: Callable[[str, str], str], tmp_path: Path
) -> None:
    """Also by a method that refuses some."""
    file = tmp_path / "trial.yaml"
    text = changed("type: loop", "type: picky").replace(
        "      set: {smooth.target: [0.1, 0.3]}", ""
    )
    file.write_text(text.replace("{type: smooth, target: 0.3}", "{type: plain}"))

    [defence] = load_spec(file, registry=picky).spec.method.defences

    assert defence.definition.name == "plain"
