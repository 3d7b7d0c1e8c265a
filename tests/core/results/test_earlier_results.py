"""Earlier results: a file or a run directory, and what is wrong with another file."""

import hashlib
from pathlib import Path

import pytest

from safecompress_core.problems import Problem
from safecompress_core.results.directory import write_json
from safecompress_core.results.earlier_results import check_earlier_results, read_earlier_results
from safecompress_core.specfile.models.run_spec import Gate
from tests.core.fixtures.results import run_results


def gate(file: Path, measure: str = "membership.advantage") -> Gate:
    """Return a relative gate."""
    return Gate(measure=measure, no_worse_than=str(file))


def test_a_file_of_any_name_and_a_run_directory_are_read(tmp_path: Path) -> None:
    """A copy under version control needs nothing next to it."""
    write_json(tmp_path / "baseline.json", run_results().to_json())
    write_json(tmp_path / "results.json", run_results().to_json())

    file, folder = (read_earlier_results(str(tmp_path / name)) for name in ("baseline.json", "."))

    assert file.results == folder.results == run_results()
    assert file.sha256 == hashlib.sha256(file.file.read_bytes()).hexdigest()
    assert folder.file == tmp_path / "results.json"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such file"),
        ("accuracy,0.4", "holds no results of a run or an audit that can be read (not JSON"),
        ('{"accuracy": 0.4}', "its results have version None, this SafeCompress reads version 1"),
        ('{"version": 1}', "name: Field required"),
    ],
)
def test_a_missing_or_foreign_file_is_a_problem_at_its_field(
    tmp_path: Path, content: str | None, message: str
) -> None:
    """With what to put there; nothing is raised."""
    file = tmp_path / "baseline.json"
    if content is not None:
        file.write_text(content, encoding="utf-8")

    [problem] = check_earlier_results([Gate(measure="accuracy", at_least=0.1), gate(file)])

    assert problem.path == ("gate", 1, "no_worse_than")
    assert problem.message.startswith(f"{file}: ")
    assert message in problem.message
    assert problem.hint == (
        "copy the results.json of an earlier run or audit there, or name its run directory"
    )


def test_results_that_lack_the_measure_are_refused(tmp_path: Path) -> None:
    """An attacker of another name, or a game that was not audited."""
    file = tmp_path / "baseline.json"
    write_json(file, run_results().to_json())

    assert not list(check_earlier_results([gate(file), gate(file, "loss.advantage")]))
    assert list(check_earlier_results([gate(file, "rmia.advantage")])) == [
        Problem(
            ("gate", 0, "no_worse_than"),
            f"{file}: its results, of 'trial', have no 'rmia.advantage'",
            "name results whose audit has it: the same game, or an attacker of that id",
        )
    ]
