"""Runs, audits and comparisons: a spec for another command is one problem that names its own."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from safecompress_core.cli import cli
from safecompress_core.specfile.checks.kinds import SpecKind, kind_of, wrong_command_problem
from safecompress_core.specfile.yaml.composer import parse
from safecompress_core.specfile.yaml.nodes import Mark, Node

RUN = "version: 1\nname: a\ntask: {}\nmethod: {type: prune}\n"
AUDIT = "version: 1\nkind: audit\nname: a\n"
COMPARISON = "version: 1\nname: a\nbase: b.yaml\nvariants: []\n"
WITHOUT_VARIANTS = "version: 1\nname: a\nbase: b.yaml\n"


def rooted(text: str) -> Node:
    """The values of a text."""
    root = parse(text, start=Mark("a.yaml", 1, 1), problems=[])
    assert root is not None
    return root


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (RUN, SpecKind.RUN),
        ("name: a", SpecKind.RUN),
        (AUDIT, SpecKind.AUDIT),
        (COMPARISON, SpecKind.COMPARE),
        (WITHOUT_VARIANTS, SpecKind.COMPARE),
    ],
)
def test_the_outermost_fields_say_what_a_spec_is_for(text: str, kind: SpecKind) -> None:
    """A comparison that still has no variants is one already."""
    assert kind_of(rooted(text)) is kind


def test_a_spec_that_says_nothing_is_taken_for_what_is_wanted() -> None:
    """What it lacks is then told by validation."""
    assert wrong_command_problem(rooted("name: a"), SpecKind.AUDIT) is None


COMMANDS = {
    "run": ["run", "a.yaml"],
    "audit": ["audit", "model.safetensors", "--spec", "a.yaml"],
    "compare": ["compare", "a.yaml"],
    "plan": ["plan", "a.yaml"],
}
USE = {
    RUN: ("4:1: method: this is the spec of a run", "`safecompress run a.yaml`"),
    AUDIT: ("2:1: kind: this is the spec of an audit", "`safecompress audit MODEL --spec a.yaml`"),
    COMPARISON: ("4:1: variants: this is a comparison", "`safecompress compare a.yaml`"),
}


@pytest.mark.parametrize(
    ("command", "text"),
    [
        ("run", AUDIT),
        ("run", COMPARISON),
        ("plan", AUDIT),
        ("plan", COMPARISON),
        ("audit", RUN),
        ("audit", COMPARISON),
        ("compare", RUN),
        ("compare", AUDIT),
    ],
)
def test_a_spec_for_another_command_is_one_problem(
    command: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of all that is wrong with it here, this alone helps."""
    monkeypatch.chdir(tmp_path)
    Path("a.yaml").write_text(text)
    Path("model.safetensors").write_bytes(b"")

    outcome = CliRunner().invoke(cli, COMMANDS[command])

    place, use = USE[text]
    assert outcome.exit_code == 1
    [line] = outcome.stderr.splitlines()
    assert line.startswith(f"a.yaml:{place}, and ")
    assert line.endswith(f"; use it with {use}")
