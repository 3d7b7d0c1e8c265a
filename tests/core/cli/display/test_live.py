"""A view on a terminal, drawn again as a run goes on."""

from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import NoReturn

import pytest
from rich.console import Console

from safecompress_core.cli.display.live import LiveView
from safecompress_core.cli.display.progress import Progress
from tests.core.fixtures.run_events import (
    OUTLINE,
    Clock,
    attacked,
    audited,
    drawn,
    finished,
    raced,
    started,
    told,
    training,
)


def test_the_view_tells_what_is_being_done(view: LiveView, tmp_path: Path) -> None:
    """Run, round, candidate, strategy, the next attack, and the result of the last one."""
    told(view, started(tmp_path / "trial-1"))
    assert "round 1 of 3 · training the uncompressed model" in drawn(view)

    told(view, attacked("r1c1", "neural-blackbox", 0.123, done=3))
    text = drawn(view)

    assert "─ trial ─" in text
    assert "candidate 1 of 2 · attacking r1c1 with probe" in text
    assert "r1c1 magnitude × gradient" in text
    assert "advantage so far: neural-blackbox 0.123" in text
    assert "3/10" in text
    assert str(tmp_path)[:20] in text


def test_the_view_shows_the_last_round_and_the_front(view: LiveView, tmp_path: Path) -> None:
    """The chosen candidate against keep, spread with noise, the best performance first."""
    told(
        view,
        started(tmp_path),
        finished(1, done=4, front=("r1c1", "r1c2")),
        finished(2, done=7, front=("r1c1", "r2c2")),
    )

    lines = [" ".join(line.strip("│ ").split()) for line in drawn(view).splitlines()]

    assert "round 2 went on with r2c2 magnitude × random" in lines
    assert "chosen r2c2 0.450 0.200 0.700" in lines
    assert "keep r2c1 0.400 0.300 0.800" in lines
    assert "spread of candidates 0.050 0.050 0.050" in lines
    assert "noise of the test 0.010 0.010 0.010" in lines
    front = lines.index("front r2c2 0.450 0.200 0.700")
    assert lines[front + 1] == "r1c1 0.400 0.300 0.800"


def test_the_view_says_where_a_round_kept_what_it_had(view: LiveView, tmp_path: Path) -> None:
    """If the reference candidate is the chosen one, there is one row for both."""
    told(view, started(tmp_path), finished(1, done=4, front=("r1c1",), chosen=0))

    text = drawn(view)

    assert "round 1 kept what it had: nothing was significantly better than 'keep'" in text
    assert "keep r1c1" not in text


def test_a_long_front_is_cut_short(view: LiveView, tmp_path: Path) -> None:
    """The view has to fit a terminal of 24 lines."""
    rounds = [finished(n, done=n, front=()) for n in range(1, 7)]
    rounds[-1]["front"] = [f"r{n}c{c}" for n in range(1, 7) for c in (1, 2)]
    told(view, started(tmp_path), *rounds)

    text = drawn(view)

    assert "and 6 more" in text
    assert len(text.splitlines()) <= 24


def test_the_audit_takes_the_place_of_the_rounds(view: LiveView, tmp_path: Path) -> None:
    """The advantage of each attack that has finished is shown."""
    told(
        view,
        started(tmp_path),
        finished(3, done=8, front=("r3c1",)),
        audited("uncompressed", "loss", 0.3),
        audited("uncompressed", "entropy", 0.2),
        audited("compressed", "loss", 0.1),
    )

    text = drawn(view)
    lines = [" ".join(line.strip("│ ").split()) for line in text.splitlines()]

    assert "auditing compressed with entropy" in lines
    assert "uncompressed 0.300 0.200" in lines
    assert "compressed 0.100 …" in lines
    assert "front" not in text


def test_the_view_shows_epoch_loss_and_time_left(view: LiveView, tmp_path: Path) -> None:
    """As soon as a step was measured."""
    told(view, started(tmp_path), training(epoch=3, left=100))

    text = drawn(view)

    assert "training uncompressed: epoch 3 of 20, loss 1.500" in text
    assert "1:40 of training left" in text


def test_the_view_leaves_nothing_behind(progress: Progress, tmp_path: Path) -> None:
    """Later output starts where the view began, also after an interruption."""
    stream = StringIO()
    console = Console(file=stream, width=80, height=40, force_terminal=True)
    view = LiveView(progress, console=console)

    def interrupted() -> NoReturn:
        with view:
            told(view, started(tmp_path))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()

    height = len(drawn(view).splitlines())
    shown, _, after = stream.getvalue().rpartition("\x1b[?25h")  # the cursor is shown again
    assert "training the uncompressed model" in shown
    assert after.count("\x1b[1A\x1b[2K") == height


def test_no_colour_is_respected(
    progress: Progress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The view is still drawn again and again, without a single colour."""
    monkeypatch.setenv("TERM", "xterm-256color")
    coloured: dict[str, bool] = {}
    for wanted in ("", "1"):
        monkeypatch.setenv("NO_COLOR", wanted)
        stream = StringIO()
        console = Console(file=stream, width=80, force_terminal=True)
        with LiveView(progress, console=console) as view:
            told(view, started(tmp_path))
        coloured[wanted] = "\x1b[36m" in stream.getvalue()

    assert coloured == {"": True, "1": False}


def test_the_view_of_a_race_speaks_of_lineages(clock: Clock, tmp_path: Path) -> None:
    """None of them is the reference; of many that go on the first three are shown."""
    outline = replace(OUTLINE, candidates=(6, 4, 2), fields=(True, True, False), counts_auc=True)
    console = Console(file=StringIO(), width=80, height=40, force_terminal=True)
    view = LiveView(Progress(outline, clock=clock), console=console)
    lineage = {"candidate": "r2c1", "strategy": "density 0.01, weights random"}
    told(
        view,
        started(tmp_path),
        raced(1, lineages=6, kept=4, done=4),
        attacked("r2c1", "probe", 0.1, done=5) | lineage,
    )

    text = drawn(view)
    lines = [" ".join(line.strip("│ ").split()) for line in text.splitlines()]

    assert "lineage 1 of 4" in text
    assert "r2c1 lineage 1" in lines
    assert "round 1 kept 4 of 6 lineages" in lines
    assert "chosen r1c3 0.300 0.300 0.300" in lines
    assert "chosen r1c4" not in text
    assert "and 1 more" in lines
    assert "spread of lineages 0.050 0.050 0.050" in lines
    assert "an attack on membership counts with 2·AUC − 1" in text

    told(view, raced(2, lineages=1, kept=1, done=6))
    assert "round 2 had one lineage" in drawn(view)
