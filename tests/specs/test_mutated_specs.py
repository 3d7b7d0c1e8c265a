"""Mutated specs: whatever is done to one, ``validate`` tells problems with a place and a hint."""

import random
from pathlib import Path

import pytest

from safecompress_core.errors import SpecError
from safecompress_core.formats import FORMATS, render
from safecompress_core.host import Registry, load_plugins
from safecompress_core.specfile.checks.kinds import SpecKind
from safecompress_core.specfile.load import compose_spec, load_any_spec
from safecompress_core.specfile.models.comparison import load_comparison
from safecompress_core.specfile.problems import LocatedProblem
from safecompress_core.specfile.yaml.composer import MAX_PROBLEMS
from tests.specs.mutations import MAX_LENGTH, mutated

SPECS = sorted((Path(__file__).parents[2] / "specs").rglob("*.yaml"))
COUNT = 60
"""How many are tried here, in seconds; ten thousand were once."""


def problems_of(path: Path, registry: Registry) -> tuple[LocatedProblem, ...]:
    """What ``validate`` finds."""
    try:
        spec = compose_spec(path, ())
        load = load_comparison if spec.kind is SpecKind.COMPARE else load_any_spec
        load(spec, registry=registry)
    except SpecError as error:
        return error.problems
    return ()


def test_a_mutated_spec_is_valid_or_has_problems_with_place_and_hint(tmp_path: Path) -> None:
    """No exception, not even while problems are rendered; and never very many problems."""
    registry = load_plugins(environ={"SAFECOMPRESS_PLUGINS": ""}).registry
    for spec in SPECS:
        (tmp_path / spec.name).write_bytes(spec.read_bytes())
    for seed in range(COUNT):
        rng = random.Random(seed)  # noqa: S311 - for mutations, not for secrets
        text = mutated(rng.choice(SPECS).read_bytes(), rng)
        assert len(text) <= MAX_LENGTH
        (tmp_path / "mutated.yaml").write_bytes(text)

        problems = problems_of(tmp_path / "mutated.yaml", registry)

        assert len(problems) <= MAX_PROBLEMS + 1, seed
        assert all(one.line >= 1 and one.column >= 1 and one.hint for one in problems), seed
        for output_format in FORMATS:
            render(problems, output_format).encode()


@pytest.mark.parametrize(
    "name", ["na\udce9.yaml", "a\x1b[2J.yaml"], ids=["no UTF-8", "terminal code"]
)
def test_the_name_of_a_file_is_printed_whatever_it_is(name: str) -> None:
    """In every format, and without what a terminal would obey."""
    problem = LocatedProblem(name, 1, 1, "a.b\nc", "wrong", "right")

    for output_format in FORMATS:
        text = render([problem], output_format)
        text.encode()
        assert "\x1b" not in text
