"""Specs that come with SafeCompress, from wherever a command is started."""

import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from safecompress_core.cli import cli
from safecompress_core.specfile import shipped
from safecompress_core.specfile.shipped import find_shipped_spec, find_shipped_specs

SPECS = Path(__file__).parents[3] / "specs"


def test_every_spec_of_the_repository_ships_under_its_name() -> None:
    """Those in folders with the folder before it."""
    assert set(find_shipped_specs()) == {
        path.relative_to(SPECS).with_suffix("").as_posix() for path in SPECS.rglob("*.yaml")
    }
    assert {"multi_attack", "desk/handwriting"} <= set(find_shipped_specs())


@pytest.mark.parametrize("name", ["multi_attack", "multi_attack.yaml", "specs/multi_attack.yaml"])
def test_a_name_leads_to_the_shipped_spec_where_there_is_no_such_file(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file of one's own comes first."""
    monkeypatch.chdir(tmp_path)

    found = find_shipped_spec(Path(name))
    assert found is not None
    assert found.read_bytes() == (SPECS / "multi_attack.yaml").read_bytes()
    assert CliRunner().invoke(cli, ["validate", name]).exit_code == 0

    Path(name).parent.mkdir(exist_ok=True)
    Path(name).write_text("mine: 1")
    assert find_shipped_spec(Path(name)) is None


def test_another_name_stays_what_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And is then told as a file that is not there."""
    monkeypatch.chdir(tmp_path)

    assert find_shipped_spec(Path("multi-attack")) is None
    outcome = CliRunner().invoke(cli, ["validate", "multi-attack"])
    assert "there is no file 'multi-attack'" in outcome.stdout
    assert "'multi_attack' is a spec that comes with SafeCompress" in outcome.stdout


def test_without_the_folder_nothing_ships(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As in a copy of the package alone."""
    monkeypatch.setattr(shipped, "FOLDERS", (tmp_path,))

    assert find_shipped_specs() == {}


def test_a_wheel_has_the_folder_where_it_is_looked_for() -> None:
    """With the schema, which the first line of each spec names."""
    pyproject = tomllib.loads((SPECS.parent / "pyproject.toml").read_text(encoding="utf-8"))
    wheel = pyproject["tool"]["hatch"]["build"]["targets"]["wheel"]

    [(source, target)] = wheel["force-include"].items()

    assert SPECS.parent / source == SPECS
    assert Path(target).parts == shipped.FOLDERS[0].relative_to(shipped.PACKAGE.parent).parts
    assert (SPECS / "schema.json").is_file()
