"""Membership that a spec names and does not use."""

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from safecompress_core.cli import cli
from safecompress_core.host import load_plugins
from safecompress_core.specfile.checks.membership_checks import warn_of_unused_membership
from safecompress_core.specfile.load import load_any_spec

SPEC = """\
version: 1
name: people
task:
  data: {{type: csv, path: in.csv, target: pay{data}}}
  model: {{type: mlp, hidden: [4]}}
pools: {{members: {members}}}
training: {{epochs: 1}}
method: {{type: uncompressed}}
audit: {{attackers: [{{type: gap}}]}}
"""


def spec(tmp_path: Path, **parts: Any) -> Any:
    """A valid spec of a run."""
    path = tmp_path / "spec.yaml"
    path.write_text(SPEC.format(**parts))
    return load_any_spec(path, registry=load_plugins().registry).spec


@pytest.mark.parametrize("field", ["members: was_in", "non_members: out.csv"])
def test_members_that_are_named_and_drawn_are_warned_of(tmp_path: Path, field: str) -> None:
    """The share counts, which is probably not meant."""
    found = warn_of_unused_membership(spec(tmp_path, data=f", {field}", members=0.5))

    assert found.startswith(f"task.data.{field.partition(':')[0]} names the members, but pools.")
    assert found.endswith("write 'pools: {members: given}' if the data decide")


@pytest.mark.parametrize(
    ("data", "members"), [(", members: was_in", "given"), ("", 0.5), ("", "given")]
)
def test_members_that_are_used_or_not_named_are_not(
    tmp_path: Path, data: str, members: Any
) -> None:
    """There is nothing to say."""
    assert not warn_of_unused_membership(spec(tmp_path, data=data, members=members))


@pytest.mark.parametrize("command", ["validate", "plan"])
def test_the_commands_that_load_no_data_tell_it_too(tmp_path: Path, command: str) -> None:
    """The data card of a run would be late."""
    spec(tmp_path, data=", members: was_in", members=0.5)

    outcome = CliRunner().invoke(cli, [command, str(tmp_path / "spec.yaml")])

    assert outcome.exit_code == 0
    assert "warning: task.data.members names the members, but" in " ".join(outcome.output.split())
