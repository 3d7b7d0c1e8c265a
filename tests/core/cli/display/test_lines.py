"""Lines on standard error, where there is no terminal."""

import json
from dataclasses import replace
from pathlib import Path
from threading import Event as Flag

import pytest

from safecompress_core.cli.display import lines as lines_module
from safecompress_core.cli.display.lines import BriefLines, Lines
from safecompress_core.cli.display.progress import Progress
from tests.core.fixtures.run_events import (
    CARD,
    OUTLINE,
    Clock,
    attacked,
    audited,
    ended,
    finished,
    raced,
    started,
    told,
    training,
    was_tested,
)


def test_lines_promise_once_and_break_a_silence_of_30_seconds(
    progress: Progress, clock: Clock, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Phase, epoch, loss and time left; nothing if a line was written just before."""
    display = Lines(progress)
    told(display, started(tmp_path))
    clock.now += 2
    told(display, training(epoch=1, left=100))
    clock.now += 1
    told(display, training(epoch=2, left=99))
    clock.now += 28
    display.beat()
    clock.now += 1
    display.beat()
    display.beat()

    lines = capsys.readouterr().err.splitlines()[len(CARD) + 1 :]

    assert lines == [
        "[ 0/10  0:02] training uncompressed: epoch 1 of 20, loss 1.500; "
        "about 1:40 of training left, and the attacks",
        "[ 0/10  0:32] training uncompressed: epoch 2 of 20, loss 1.500; "
        "about 1:10 of training left, and the attacks",
    ]


def test_the_clock_is_watched_while_lines_are_open(
    progress: Progress, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also before the first event, since loading data may take long."""
    monkeypatch.setattr(lines_module, "LOOK", 0.001)
    written: list[str] = []
    has_written = Flag()

    class Noted(Lines):
        def write(self, text: str) -> None:
            written.append(text)
            has_written.set()

    clock.now += 31
    with Noted(progress):
        assert has_written.wait(timeout=60)

    assert written[0] == "[ 0:31] loading data, checking the spec"


def test_a_run_of_a_comparison_is_shown_by_its_label(
    progress: Progress, clock: Clock, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its units are no lines: there are many runs."""
    display = BriefLines(progress, label="prune, seed 2")
    display.hear(started(tmp_path))
    display.hear(was_tested("r1c1", done=3))
    clock.now += 5
    display.hear(training(epoch=9, left=61))

    assert capsys.readouterr().err.splitlines() == [
        "prune, seed 2 [ 0/10  0:05] training uncompressed: epoch 9 of 20, loss 1.500; "
        "about 1:01 of training left, and the attacks",
    ]


def test_lines_tell_each_finished_unit(
    progress: Progress, clock: Clock, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With its figures; an attack alone is no unit."""
    display = Lines(progress)
    told(display, started(tmp_path))
    clock.now += 65
    told(
        display,
        attacked("r1c1", "neural-blackbox", 0.1, done=3),
        attacked("r1c1", "probe", 0.2, done=3),
        was_tested("r1c1", done=3),
        finished(1, done=4, front=("r1c1", "r1c2")),
        audited("compressed", "loss", 0.25),
        audited("compressed", "entropy", 0.125),
        ended(passed=True),
    )

    captured = capsys.readouterr()

    assert captured.out == ""
    assert captured.err.splitlines() == [
        *CARD,
        f"[ 0/10  0:00] trial in {tmp_path}",
        "[ 3/10  1:05] r1c1 magnitude × gradient: "
        "accuracy 0.420; advantage neural-blackbox 0.100, probe 0.200",
        "[ 4/10  1:05] round 1 of 3 chose r1c2 (magnitude × random); 2 on the front",
        "[ 9/10  1:05] audit of compressed: advantage loss 0.250, entropy 0.125",
        "[10/10  1:05] audit finished, 1 of 1 gates met",
    ]


def test_the_last_line_says_when_all_is_void(
    progress: Progress, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A gate that is met must not be the last word then."""
    told(Lines(progress), started(tmp_path), ended(passed=False))

    last = capsys.readouterr().err.splitlines()[-1]

    assert last.endswith("audit finished, 1 of 1 gates met, VOID: a control failed")


def test_lines_say_where_a_run_goes_on(
    progress: Progress, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """After the last round in the log."""
    earlier = [started(tmp_path), finished(1, done=4, front=("r1c2",)), started(tmp_path)]
    (tmp_path / "events.jsonl").write_text("\n".join(map(json.dumps, earlier)))

    told(Lines(progress), started(tmp_path))

    lines = capsys.readouterr().err.splitlines()
    assert lines == [*CARD, f"[ 0/10  0:00] trial in {tmp_path}, going on after round 1"]


def test_lines_of_a_race_count_lineages(
    clock: Clock, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """After the first round a lineage is shown by its number: its settings are long."""
    outline = replace(OUTLINE, fields=(True, True, True))
    event = was_tested("r2c1", done=5) | {"strategy": "density 0.01, weights random"}
    told(
        Lines(Progress(outline, clock=clock)),
        started(tmp_path),
        event,
        raced(1, lineages=4, kept=2, done=5),
        event,
        raced(2, lineages=2, kept=1, done=7),
        raced(3, lineages=1, kept=1, done=8),
    )

    lines = [line.partition("] ")[2] for line in capsys.readouterr().err.splitlines()[-5:]]

    assert lines == [
        "r2c1 density 0.01, weights random: accuracy 0.420",
        "round 1 of 3: 4 lineages, 2 go on; 1 on the front",
        "r2c1 lineage 1: accuracy 0.420",
        "round 2 of 3: 2 lineages, 1 goes on; 1 on the front",
        "round 3 of 3: 1 lineage, alone; 1 on the front",
    ]
