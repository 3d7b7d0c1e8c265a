"""``safecompress run``."""

import html
import json
import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest
from click.testing import CliRunner, Result

from safecompress_core.cli import cli
from safecompress_core.report import page
from safecompress_core.results.checksums import record_all_files


def rerun(spec: Path, run: Path, *arguments: str) -> Result:
    """Return the outcome of ``safecompress run`` if its run directory already exists."""
    command = ["run", str(spec), "--set", "device=cpu", "--runs-dir", str(run.parent)]
    return CliRunner().invoke(cli, [*command, *arguments])


def change(run: Path, edit: Callable[[dict[str, Any]], None]) -> None:
    """Edit the results of a run."""
    file = run / "results.json"
    results = json.loads(file.read_text())
    edit(results)
    file.write_text(json.dumps(results))
    record_all_files(run)


def test_a_run_prints_its_table_its_verdict_and_where_things_lie(
    first_outcome: tuple[Result, Path],
) -> None:
    """And leaves a model, results and a report."""
    outcome, directory = first_outcome

    assert outcome.exit_code == 0
    for expected in (
        "uncompressed        compressed",
        "test accuracy",
        "loss-threshold (membership)",
        "lift over the guess",
        "Could a round's test distinguish its candidates?",
        "✓ Test accuracy must be at least 0.010.",
        "PASSED: the compressed model meets both gates.",
        str(directory / "results.json"),
    ):
        assert expected in outcome.stdout
    for file in ("results.json", "model/model.safetensors", "report.html", "events.jsonl"):
        assert (directory / file).exists()


def test_the_report_s_command_line_shows_the_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With every option, quoted, and from the directory that the page names."""
    home = tmp_path / "a b"
    home.mkdir()
    monkeypatch.chdir(home)
    (home / "it's.yaml").write_text(ONLY_AUDITED)
    command = ["-q", "run", "it's.yaml", "--set", "seed=4", "--device", "cpu"]
    first = CliRunner().invoke(cli, command)
    assert first.exit_code == 0, first.output
    [directory] = (home / "runs").iterdir()
    page_ = html.unescape((directory / "report.html").read_text(encoding="utf-8"))
    line = re.search(r"<pre><code>(safecompress .*?)</code></pre>", page_)
    assert line is not None
    assert f"From the directory <code>{home}</code>" in page_

    words = shlex.split(line[1])
    again = CliRunner().invoke(cli, words[1:])

    assert words == ["safecompress", *command]
    assert again.exit_code == 0
    assert "was finished before" in again.stderr
    assert len(list((home / "runs").iterdir())) == 1


ONLY_AUDITED = """\
version: 1
name: only-audited
task: {data: {type: handwriting}, model: {type: mlp, hidden: [8]}}
training: {epochs: 2}
method: {type: prune, density: 0.5}
audit: {attackers: [{type: loss-threshold}], front: chosen}
"""

MAPS = {
    *("audit", "attacks", "metrics", "objectives", "spread", "attackers", "defences"),
    *("files", "null", "planted", "pools", "selection_gap", "architecture", "facts"),
}
"""What has a key for each attack, metric, objective, file or pool, as the spec has it."""


def keys_of(document: Any) -> Iterator[str]:
    """The keys of results that are the same for every spec."""
    if isinstance(document, list):
        for item in document:
            yield from keys_of(item)
    elif isinstance(document, dict):
        for key, value in document.items():
            yield key
            yield from keys_of(
                list(value.values()) if key in MAPS and isinstance(value, dict) else value
            )


def test_every_key_of_the_results_is_documented(first_outcome: tuple[Result, Path]) -> None:
    """Others rely on them; so are the files, and what events there are."""
    _, directory = first_outcome
    page_ = (Path(__file__).parents[4] / "docs" / "results.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`\n]+)`", page_))))
    results = json.loads((directory / "results.json").read_text())
    events = map(json.loads, (directory / "events.jsonl").read_text().splitlines())
    names = {event["event"] for event in events}
    files = {path.name.partition(".")[0] for path in directory.iterdir() if path.suffix != ".lock"}

    assert sorted({*keys_of(results), *names, *filter(None, files)} - documented) == []


def test_its_tables_fit_80_columns(first_outcome: tuple[Result, Path]) -> None:
    """Only paths may be longer: they are not wrapped, so that they can be copied."""
    outcome, directory = first_outcome

    lines = [line for line in outcome.stdout.splitlines() if str(directory) not in line]

    assert max(map(len, lines)) <= 80


def test_without_a_terminal_each_finished_unit_is_a_line_on_standard_error(
    first_outcome: tuple[Result, Path],
) -> None:
    """Candidates, rounds and audited models, with the progress of the run.

    A slow machine also gets lines about the unit in progress.
    """
    outcome, _ = first_outcome
    doing = ("loading", "training", "finished training", "attacking", "auditing", "choosing")
    lines = [
        line
        for line in outcome.stderr.splitlines()
        if line.startswith("[") and not line.partition("] ")[2].startswith(doing)
    ]

    starts = [line.split("] ", 1)[1].split(":", 1)[0] for line in lines]
    assert starts[0].startswith("tiny in ")
    assert starts[1:4] == [
        "r1c1 keep",
        "r1c2 magnitude × gradient",
        "r1c3 magnitude × random, learning_rate 0.01",
    ]
    assert starts[4].startswith("round 1 of 2 chose r1c")
    assert {"audit of uncompressed", "audit of compressed"} <= set(starts)
    assert starts[-1] == "audit finished, 2 of 2 gates met"
    assert lines[1].startswith("[ 3/11 ")
    assert lines[1].count("advantage") == 1
    assert "accuracy 0." in lines[1]
    assert "attribute-probe 0." in lines[1]


def test_a_finished_run_is_shown_again_and_not_done_again(
    first_outcome: tuple[Result, Path], tiny_spec: Path, finished_run: Path
) -> None:
    """``--device cpu`` and ``--set device=cpu`` are the same run, since they are the same spec."""
    before = (finished_run / "events.jsonl").read_bytes()

    outcome = rerun(tiny_spec, finished_run)

    first = first_outcome[0].stdout.partition("\nmodel ")[0]
    assert outcome.stdout.partition("\nmodel ")[0] == first
    told = outcome.stderr.splitlines()[-1]
    assert told == f"{finished_run} was finished before; nothing was done again"
    assert outcome.exit_code == 0
    assert (finished_run / "events.jsonl").read_bytes() == before


def test_as_json_standard_output_is_the_results(tiny_spec: Path, finished_run: Path) -> None:
    """One document, the same as the file."""
    outcome = rerun(tiny_spec, finished_run, "--json")

    assert json.loads(outcome.stdout) == json.loads((finished_run / "results.json").read_text())


def test_a_missed_gate_ends_with_1(tiny_spec: Path, finished_run: Path) -> None:
    """A pipeline stops there."""
    change(finished_run, lambda results: results["gate"][0].update(passed=False))

    outcome = rerun(tiny_spec, finished_run)

    assert outcome.exit_code == 1
    assert "FAILED: the compressed model misses 1 of 2 gates." in outcome.stdout


def test_a_failed_control_ends_with_1(tiny_spec: Path, finished_run: Path) -> None:
    """A failed control overrides gates that are met."""
    change(finished_run, lambda r: r["controls"]["null"]["loss-threshold"].update(passed=False))

    outcome = rerun(tiny_spec, finished_run)

    assert outcome.exit_code == 1
    assert "VOID: the null control failed for loss-threshold" in outcome.stdout


def test_a_spec_that_only_the_data_shows_to_be_wrong_ends_with_1(
    tiny_spec: Path, tmp_path: Path
) -> None:
    """With its problems on standard error, and nothing on standard output."""
    outcome = rerun(tiny_spec, tmp_path / "runs" / "x", "--set", "pools.members=5000")

    assert outcome.exit_code == 1
    assert outcome.stdout == ""
    assert "pools" in outcome.stderr
    assert "5000" in outcome.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--set", "training.epoch=3"), "--set training.epoch=3"),
        (("--set", "attackers.0.type=neural-blakbox"), "did you mean 'neural-blackbox'?"),
    ],
)
def test_an_invalid_spec_ends_with_1(
    tiny_spec: Path, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    """Before anything is made."""
    outcome = rerun(tiny_spec, tmp_path / "runs" / "x", *arguments)

    assert outcome.exit_code == 1
    assert message in outcome.stderr
    assert outcome.stdout == ""
    assert not (tmp_path / "runs").exists()


def test_a_diverging_training_says_what_when_and_what_to_try(
    tiny_spec: Path, tmp_path: Path
) -> None:
    """And which round it has kept, and where; exit code 2, as nothing was decided."""
    wild = ("--set", "training.optimizer=sgd", "--set", "training.learning_rate=1e30")

    outcome = rerun(tiny_spec, tmp_path / "runs" / "x", *wild)

    [directory] = (tmp_path / "runs").iterdir()
    assert outcome.exit_code == 2
    lines = outcome.stderr.splitlines()
    assert lines[-2].startswith("error: the loss of uncompressed is no longer a number in epoch 1;")
    assert "try a smaller training.learning_rate" in lines[-2]
    assert lines[-1] == f"no round was finished; what there is lies in {directory}"

    kept = directory / "checkpoints" / "method" / "round-1"
    kept.mkdir(parents=True)
    (kept / "record.json").write_text("{}")
    again = rerun(tiny_spec, tmp_path / "runs" / "x", *wild)

    assert again.stderr.splitlines()[-1] == f"the last finished round, 1, is kept in {kept}"


def test_a_directory_in_use_is_refused(tiny_spec: Path, finished_run: Path) -> None:
    """Two processes never write to one run."""
    from filelock import FileLock

    with FileLock(finished_run / ".lock"):
        outcome = rerun(tiny_spec, finished_run)

    assert outcome.exit_code == 2
    assert f"error: {finished_run}: another process is running here; wait for it" in outcome.stderr


def test_a_report_that_cannot_be_written_does_not_void_the_run(
    tiny_spec: Path, finished_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Results are worth more than their page; it can be written later."""

    def broken(run: Path) -> NoReturn:
        raise ZeroDivisionError("no figures")

    monkeypatch.setattr(page, "write_report", broken)
    (finished_run / "report.html").unlink()

    outcome = rerun(tiny_spec, finished_run)

    assert outcome.exit_code == 0
    assert "warning: cannot write the report: no figures" in outcome.stderr
    assert "report.html" not in outcome.stdout


@pytest.mark.parametrize("damage", ["missing", "changed", "never recorded"])
def test_a_report_that_is_not_the_runs_is_written_again(
    tiny_spec: Path, finished_run: Path, damage: str
) -> None:
    """The next call makes up for a disk that was full, and for a page that was changed."""
    page_ = finished_run / "report.html"
    before = page_.read_bytes()
    if damage == "missing":
        page_.unlink()
    elif damage == "changed":
        page_.write_bytes(before + b" ")
    else:
        sums = finished_run / "SHA256SUMS"
        lines = sums.read_text().splitlines(keepends=True)
        sums.write_text("".join(line for line in lines if "report.html" not in line))
        page_.unlink()

    outcome = rerun(tiny_spec, finished_run)

    assert outcome.exit_code == 0
    assert page_.read_bytes() == before
    assert CliRunner().invoke(cli, ["verify", str(finished_run)]).exit_code == 0


def test_changed_results_are_not_shown_again(tiny_spec: Path, finished_run: Path) -> None:
    """A verdict changed by hand must not pass a gate."""
    path = finished_run / "results.json"
    path.write_text(path.read_text().replace('"passed": true', '"passed": false', 1))

    outcome = rerun(tiny_spec, finished_run)

    assert outcome.exit_code == 2
    assert outcome.stderr.splitlines()[-1].startswith(f"error: {path}: was changed or damaged; ")


def test_a_run_that_lost_its_record_is_audited_again(tiny_spec: Path, finished_run: Path) -> None:
    """Without hashes, its results cannot be trusted."""
    path = finished_run / "results.json"
    before = json.loads(path.read_text())
    path.write_text(path.read_text().replace('"passed": true', '"passed": false', 1))
    (finished_run / "SHA256SUMS").unlink()

    outcome = rerun(tiny_spec, finished_run)

    after = json.loads(path.read_text())
    assert outcome.exit_code == 0
    assert "finished before" not in outcome.stderr
    own = dict.fromkeys(("seconds", "invocation"))
    assert {**after, **own} == {**before, **own}
    assert CliRunner().invoke(cli, ["verify", str(finished_run)]).exit_code == 0


def test_less_than_one_worker_is_refused(tmp_path: Path) -> None:
    """Zero workers are a usage error."""
    outcome = CliRunner().invoke(cli, ["run", "spec.yaml", "--workers", "0"])

    assert outcome.exit_code == 2
    assert "--workers" in outcome.stderr
