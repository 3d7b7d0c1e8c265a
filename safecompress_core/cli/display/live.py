"""Progress on a terminal: one view that is drawn again as the run goes on."""

from collections.abc import Mapping
from threading import Lock
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from safecompress_core.cli.display.observer import Display
from safecompress_core.cli.display.progress import Progress
from safecompress_core.report.formatting import duration, format_number

__all__ = ["LiveView", "draw_progress"]

Event = Mapping[str, Any]

FRONT_SHOWN = 6
CHOSEN_SHOWN = 3
AUDITS_ON_TOP, AUDITS_SHOWN = 2, 6
HEADER_WIDTH = 10
WIDEST = 120
ROOM_FOR_INTERRUPT = 2
"""Columns: a terminal echoes ``^C`` after the view, which must not fold, or a line stays behind."""

CLOCK_HZ = 4


class LiveView(Display):
    """Draws the run's progress until it is left, and then leaves nothing behind.

    Args:
        progress: what is shown.
        console: writes to standard error, which is a terminal.
    """

    def __init__(self, progress: Progress, *, console: Console) -> None:
        super().__init__(progress)
        self._console = console
        self._lock = Lock()  # the clock moves in a thread of its own
        self._live = Live(
            get_renderable=self.draw,
            console=console,
            refresh_per_second=CLOCK_HZ,
            # Removed at the end: the results take its place.
            transient=True,
        )

    def open(self) -> None:
        """Start drawing."""
        self._live.start()

    def close(self) -> None:
        """Remove the view."""
        self._live.stop()

    def show(self, event: Event) -> None:
        """Draw at once; between events the clock alone moves."""
        self._live.refresh()

    def write(self, text: str) -> None:
        """A line above the view, that stays."""
        self._console.print(text, markup=False, highlight=False)

    def take(self, event: Event) -> None:
        """Take in what happened, while nothing is drawn."""
        with self._lock:
            # Events arrive in the run's thread, and drawing happens in the clock's.
            super().take(event)

    def draw(self) -> RenderableType:
        """The whole view."""
        # A width of its own, since ^C is echoed behind the view.
        width = min(self._console.width - ROOM_FOR_INTERRUPT, WIDEST)
        with self._lock:
            return draw_progress(self._progress, width=width)


def draw_progress(progress: Progress, *, width: int) -> Panel:
    """Draw what is being done, how far the run is, and what it has found."""
    parts: list[RenderableType] = [_now(progress), _bar(progress)]
    if progress.audited:
        parts += [Text(), _audit(progress)]
    elif progress.last_round:
        parts += [Text(), _outcome(progress, progress.last_round), _figures(progress)]
    return Panel(
        Group(*parts),
        title=Text(progress.name or "safecompress", style="bold"),
        title_align="left",
        subtitle=Text(progress.path, style="dim"),
        subtitle_align="left",
        border_style="cyan",
        padding=(0, 1),
        width=width,
    )


def _now(progress: Progress) -> Text:
    """Round, candidate, strategy and attack: what is being done."""
    text = Text(overflow="ellipsis", no_wrap=True)
    rounds = progress.outline.rounds
    if rounds and not progress.is_auditing:
        text.append(f"round {min(progress.rounds_done + 1, rounds)} of {rounds}", style="bold")
        if progress.candidate:
            of = f" of {progress.candidates}" if progress.candidates else ""
            # A candidate without performance is still in work, and not counted as tested.
            number_ = progress.tested + ("performance" not in progress.candidate)
            noun = "lineage" if progress.tests_field else "candidate"
            text.append(f" · {noun} {number_}{of}")
        text.append(" · ")
    text.append(progress.status)
    text.append("\n")
    if progress.candidate:
        text.append(f"{progress.candidate['candidate']} ", style="cyan")
        text.append(progress.candidate_name)
        advantages = progress.candidate["advantages"]
        figures = ", ".join(f"{name} {format_number(value)}" for name, value in advantages.items())
        text.append(f"\n  advantage so far: {figures}" if figures else "\n", style="dim")
    return text


def _bar(progress: Progress) -> Table:
    """Draw the progress of the run and the time left."""
    line = Table.grid(padding=(0, 2), expand=True)
    line.add_column(ratio=1)
    line.add_column(no_wrap=True)
    parts = [f"{progress.done}/{progress.total}", f"{duration(progress.running_seconds)} gone"]
    parts += [progress.time_left] if progress.time_left else []
    bar = ProgressBar(
        # A total of 0 would be drawn as a full bar.
        total=max(progress.total, 1),
        completed=progress.done,
        complete_style="cyan",
        pulse=False,
    )
    line.add_row(bar, Text(" · ".join(parts)))
    return line


def _outcome(progress: Progress, round_: Event) -> Text:
    """Draw the result of the last finished round."""
    candidates = round_["candidates"]
    chosen = [candidate for candidate in candidates if candidate["chosen"]]
    text = Text(f"round {round_['round']} ", style="bold")
    if progress.was_field(round_):
        plain = f"kept {len(chosen)} of {len(candidates)} lineages"
        if len(candidates) == 1:
            plain = "had one lineage"
        return text.append(plain, style="not bold")
    # The first candidate is the unchanged model.
    if len(chosen) == 1 and chosen[0] is candidates[0]:
        plain = f"kept what it had: nothing was significantly better than '{chosen[0]['strategy']}'"
        return text.append(plain, style="not bold")
    names = "; ".join(f"{candidate['id']} {candidate['strategy']}" for candidate in chosen)
    return text.append(f"went on with {names}", style="not bold")


def _figures(progress: Progress) -> Table:
    """The last round's outcome and the front, by objective."""
    round_ = progress.last_round
    assert round_ is not None  # drawn after a round only
    names = ("performance", *progress.attackers)
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    table.add_column("advantage: upper ends" if progress.outline.is_careful else "", no_wrap=True)
    if progress.outline.counts_auc:
        table.caption = Text("an attack on membership counts with 2·AUC − 1", style="dim")
        table.caption_justify = "left"
    for name in names:
        header = progress.metric if name == "performance" else name
        table.add_column(_fold(header), justify="right", overflow="fold")

    def add(label: str, figures: Mapping[str, Any], style: str = "") -> None:
        table.add_row(label, *(format_number(figures[name]) for name in names), style=style)

    candidates = round_["candidates"]
    is_field = progress.was_field(round_)
    chosen_models = [candidate for candidate in candidates if candidate["chosen"]]
    for candidate in chosen_models[:CHOSEN_SHOWN]:
        add(f"chosen {candidate['id']}", candidate["objectives"], "bold green")
    if len(chosen_models) > CHOSEN_SHOWN:
        table.add_row(f"       and {len(chosen_models) - CHOSEN_SHOWN} more", style="dim")
    # The unchanged model is the reference, and shown even if it was not chosen.
    if not is_field and not candidates[0]["chosen"]:
        add(f"{candidates[0]['strategy']} {candidates[0]['id']}", candidates[0]["objectives"])
    spread = round_["spread"]
    noun = "lineages" if is_field else "candidates"
    add(f"spread of {noun}", {name: spread[name]["spread"] for name in names}, "dim")
    add("noise of the test", {name: spread[name]["noise"] for name in names}, "dim")
    chosen = {candidate["id"] for candidate in chosen_models}
    table.add_row()
    for position, (name, objectives) in enumerate(progress.front.items()):
        if position == FRONT_SHOWN:
            break
        label = f"front {name}" if not position else f"      {name}"
        add(label, objectives, "green" if name in chosen else "")
    more = len(progress.front) - FRONT_SHOWN
    if more > 0:
        table.add_row(f"      and {more} more", style="dim")
    return table


def _audit(progress: Progress) -> Table:
    """Each attack's advantage on the two models that are compared, and on the latest others."""
    attacks = progress.outline.audit
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    table.add_column("audit: advantage of", no_wrap=True)
    for attack in attacks:
        table.add_column(_fold(attack), justify="right", overflow="fold")
    models = list(progress.audited)
    # The uncompressed and the chosen model stay; of the others the latest are shown.
    for model in (*models[:AUDITS_ON_TOP], *models[AUDITS_ON_TOP:][-AUDITS_SHOWN:]):
        advantages = progress.audited[model]
        figures = (
            format_number(advantages[name]) if name in advantages else "…" for name in attacks
        )
        table.add_row(model, *figures)
    return table


def _fold(name: str) -> str:
    """A long name in lines that break after hyphens."""
    return name.replace("-", "-\n") if len(name) > HEADER_WIDTH else name
