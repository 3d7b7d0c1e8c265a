"""What a person sees while a run lasts: a view on a terminal, lines anywhere else."""

import json
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from threading import Event as Flag
from typing import Any, NoReturn

import pytest
from rich.console import Console

from safecompress_core.cli.display import lines as lines_module
from safecompress_core.cli.display.consoles import output_console
from safecompress_core.cli.display.lines import BriefLines, Lines
from safecompress_core.cli.display.live import LiveView
from safecompress_core.cli.display.observer import Display
from safecompress_core.cli.display.progress import Outline, Progress
from safecompress_core.cli.display.tables import draw_table as drawn_table
from safecompress_core.cli.outcome import display_of
from safecompress_core.host import PluginHost, load_plugins
from safecompress_core.report.summary import Cell, ResultTable, Row
from safecompress_core.specfile.load import load_audit_spec, load_spec

Event = dict[str, Any]

OUTLINE = Outline(rounds=3, candidates=(2, 2), audit=("loss", "entropy"), is_careful=True)


CARD = ["data: 3 samples, input 8", "  labels: cat 1, dog 2"]


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def started(path: Path, **facts: Any) -> Event:
    """The first event."""
    event = {"event": "run_started", "done": 0, "total": 10, "name": "trial", "path": str(path)}
    labels = [{"name": "cat", "samples": 1}, {"name": "dog", "samples": 2}]
    card = {"samples": 3, "input_shape": [8], "labels": labels, "attributes": []}
    data = {"data": card | {"notes": [], "warnings": []}}
    run = {"method": "test-driven", "attackers": ["neural-blackbox", "probe"]}
    return event | data | run | {"metric": "accuracy"} | facts


def attacked(candidate: str, attacker: str, advantage: float, *, done: int) -> Event:
    """An attack on a candidate."""
    return {
        "event": "attack_finished",
        "phase": "select",
        "done": done,
        "total": 10,
        "round": 1,
        "candidate": candidate,
        "strategy": "magnitude × gradient",
        "attacker": attacker,
        "advantage": advantage,
    }


def was_tested(candidate: str, *, done: int) -> Event:
    """A tested candidate."""
    event = {"event": "candidate_tested", "done": done, "total": 10, "round": 1}
    return event | {
        "candidate": candidate,
        "strategy": "magnitude × gradient",
        "performance": 0.42,
    }


def finished(number: int, *, done: int, front: tuple[str, ...], chosen: int = 1) -> Event:
    """A finished round of two candidates, of which one is chosen."""
    names = ("performance", "neural-blackbox", "probe")
    figures = [(0.40, 0.30, 0.80), (0.45, 0.20, 0.70)]
    return {
        "event": "round_finished",
        "done": done,
        "total": 10,
        "round": number,
        "candidates": [
            {
                "id": f"r{number}c{index + 1}",
                "strategy": ("keep", "magnitude × random")[index],
                "objectives": dict(zip(names, figures[index], strict=True)),
                "chosen": index == chosen,
            }
            for index in range(2)
        ],
        "spread": {name: {"spread": 0.05, "noise": 0.01} for name in names},
        "front": list(front),
    }


def audited(model: str, attacker: str, advantage: float) -> Event:
    """An attack of the audit."""
    event = {"event": "attack_finished", "phase": "audit", "done": 9, "total": 10}
    return event | {"model": model, "attacker": attacker, "advantage": advantage}


@pytest.fixture
def clock() -> Clock:
    """The time that the display reads."""
    return Clock()


@pytest.fixture
def progress(clock: Clock) -> Progress:
    """The progress of a run of three rounds."""
    return Progress(OUTLINE, clock=clock)


@pytest.fixture
def view(progress: Progress) -> Iterator[LiveView]:
    """A view that is drawn 80 columns wide."""
    console = Console(file=StringIO(), width=80, height=40, force_terminal=True)
    with LiveView(progress, console=console) as view:
        yield view


def told(display: Display, *events: Event) -> Display:
    """Tell a display of events, as a run does."""
    host = PluginHost([])
    host.add_observer("display", display)
    for event in events:
        host.notify(event)
    return display


def drawn(view: LiveView) -> str:
    """The view as plain text."""
    console = Console(file=StringIO(), width=80, record=True)
    console.print(view.draw())
    return console.export_text()


def test_the_view_tells_what_is_being_done(view: LiveView, tmp_path: Path) -> None:
    """Run, round, candidate, strategy, the attack that is next, and what the last one found."""
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
    """The chosen candidate against keep, spread beside noise, the best performance first."""
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
    """With the candidate that others are held against chosen, there is one row for both."""
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
    """Each attack's advantage, as far as it is known."""
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


def test_the_time_left_follows_from_the_work_of_this_process(
    progress: Progress, clock: Clock, tmp_path: Path
) -> None:
    """Rounds of an earlier, interrupted process took none of it."""
    earlier = [started(tmp_path), finished(1, done=4, front=("r1c2",))]
    lines = [json.dumps(event) for event in (*earlier, started(tmp_path))]
    (tmp_path / "events.jsonl").write_text("\n".join([*lines[:2], '{"event": "ro', lines[2]]))

    progress.take(started(tmp_path))
    assert progress.left is None
    clock.now += 20
    progress.take(attacked("r2c1", "probe", 0.1, done=6))

    assert progress.left == pytest.approx(20 / 2 * 4)
    assert progress.running_seconds == 20
    assert progress.rounds_done == 1
    assert list(progress.front) == ["r1c2"]


def test_no_time_is_promised_without_work_to_go_by(progress: Progress, tmp_path: Path) -> None:
    """Nor when all units are counted."""
    progress.take(started(tmp_path))
    assert progress.left is None

    progress.take(audited("compressed", "loss", 0.1) | {"done": 10})
    assert progress.left is None


def training(*, epoch: int, left: float, counts_attacks: bool = False, step: int = 4) -> Event:
    """A step of a model that trains."""
    event = {"event": "training_progressed", "done": 0, "total": 10, "what": "uncompressed"}
    told_ = {"seconds": left, "counts_attacks": counts_attacks}
    return event | {
        "epoch": epoch,
        "until": 20,
        "step": step,
        "steps": 4,
        "loss": 1.5,
        "left": told_,
    }


def test_the_run_s_own_estimate_counts_down(
    progress: Progress, clock: Clock, tmp_path: Path
) -> None:
    """Between two events the clock alone moves; attacks are named until they are counted."""
    progress.take(started(tmp_path))
    progress.take(training(epoch=3, left=100))
    clock.now += 40

    assert progress.left == 60
    assert progress.time_left == "about 1:00 of training left, and the attacks"
    assert progress.status == "training uncompressed: epoch 3 of 20, loss 1.500"

    progress.take(training(epoch=4, left=90, counts_attacks=True, step=1))
    assert progress.time_left == "about 1:30 left"
    assert progress.status == "training uncompressed: epoch 4 of 20, step 1 of 4, loss 1.500"

    progress.take(training(epoch=20, left=60))
    assert progress.status == "finished training uncompressed"

    progress.take(audited("compressed", "loss", 0.1))
    assert progress.status == "auditing compressed with entropy"


def test_the_view_shows_epoch_loss_and_time_left(view: LiveView, tmp_path: Path) -> None:
    """As soon as a step was measured."""
    told(view, started(tmp_path), training(epoch=3, left=100))

    text = drawn(view)

    assert "training uncompressed: epoch 3 of 20, loss 1.500" in text
    assert "1:40 of training left" in text


def test_lines_promise_once_and_break_a_silence_of_30_seconds(
    progress: Progress, clock: Clock, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is done, epoch, loss and time left; nothing where something was written just now."""
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
    """Also before the run has told anything: data may take long to load."""
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


def test_the_view_leaves_nothing_behind(progress: Progress, tmp_path: Path) -> None:
    """What comes after it starts where it stood, also after an interruption."""
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


@pytest.mark.parametrize("wanted", ["", "1"])
def test_no_colour_means_no_bold_text_either(
    wanted: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Tables on a terminal hold no escape code at all then."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("NO_COLOR", wanted)
    table = ResultTable(
        "Sizes", ("of all",), (Row("weights", note="heading"), Row("a", (Cell("1"),)))
    )

    output_console().print(drawn_table(table))

    assert ("\x1b[" in capsys.readouterr().out) == (not wanted)


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
        "accuracy 0.420, neural-blackbox 0.100, probe 0.200",
        "[ 4/10  1:05] round 1 of 3 chose r1c2 (magnitude × random); 2 on the front",
        "[ 9/10  1:05] audit of compressed: advantage loss 0.250, entropy 0.125",
        "[10/10  1:05] audit finished, 1 of 1 gates met",
    ]


def ended(*, passed: bool) -> dict[str, Any]:
    """The end of a run that meets its gate, with a control that passed or failed."""
    controls = {"null": {"loss": {"passed": True}}, "planted": {"loss": {"passed": passed}}}
    gate = [{"passed": True}]
    return {"event": "run_finished", "done": 10, "total": 10, "gate": gate, "controls": controls}


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
    """After the last round that the log knows of."""
    earlier = [started(tmp_path), finished(1, done=4, front=("r1c2",)), started(tmp_path)]
    (tmp_path / "events.jsonl").write_text("\n".join(map(json.dumps, earlier)))

    told(Lines(progress), started(tmp_path))

    lines = capsys.readouterr().err.splitlines()
    assert lines == [*CARD, f"[ 0/10  0:00] trial in {tmp_path}, going on after round 1"]


@pytest.mark.parametrize(
    ("is_terminal", "kind", "display"),
    [(True, "xterm", LiveView), (True, "dumb", Lines), (False, "xterm", Lines)],
)
def test_only_a_terminal_that_can_be_redrawn_gets_the_view(
    tiny_spec: Path,
    monkeypatch: pytest.MonkeyPatch,
    is_terminal: bool,
    kind: str,
    display: type[Display],
) -> None:
    """Standard error decides, since that is where progress goes."""
    monkeypatch.setenv("TERM", kind)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: is_terminal, raising=False)

    loaded = load_spec(tiny_spec, registry=load_plugins().registry)

    assert isinstance(display_of(loaded.spec), display)


def test_an_outline_knows_how_many_candidates_a_round_has(tiny_spec: Path) -> None:
    """A beam multiplies them from the second round on."""
    loaded = load_spec(tiny_spec, overrides=["method.beam=2"], registry=load_plugins().registry)

    assert Outline.of(loaded.spec) == Outline(
        rounds=2, candidates=(3, 6), audit=("loss-threshold", "probe-mlp"), is_careful=True
    )


def test_an_audit_has_no_rounds_and_trains_no_model(tmp_path: Path) -> None:
    """Its display says at once that the model is attacked."""
    spec = Path(__file__).parents[3] / "specs" / "audit_model.yaml"
    outline = Outline.of(load_audit_spec(spec, registry=load_plugins().registry).spec)
    progress = Progress(outline)

    progress.take(started(tmp_path, method=None, attackers=[], total=1))

    assert (outline.rounds, outline.candidates) == (None, None)
    assert outline.audit == ("loss-threshold", "modified-entropy", "gap", "probe-mlp")
    assert progress.activity == "attacking the model"
