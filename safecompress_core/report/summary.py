"""Summary of a run as tables: pure functions of ``results.json``.

Nothing here knows how a table is drawn: a terminal, a page and a test read the same cells.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from safecompress_core.api import GameDef
from safecompress_core.games.records import game_in
from safecompress_core.report.densities import SPARSE_LAYERS, WHOLE_MODEL, states_both
from safecompress_core.report.formatting import format_fraction, format_interval, format_number

__all__ = [
    "Cell",
    "ResultTable",
    "Row",
    "archive_ends",
    "audit_of",
    "columns_of",
    "comparison",
    "ends_of",
    "objective_name",
    "objectives_of",
    "phases",
    "separability",
]

Results = Mapping[str, Any]
Part = Mapping[str, Any]
"""One model's part of the results: its ``metrics`` and ``audit``, perhaps its ``model``."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A figure, and what qualifies it: its 95 % interval, or a remark.

    ``is_caution`` marks a worst-case figure that did not improve.
    """

    value: str = ""
    note: str = ""
    is_caution: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a table.

    Attributes:
        label: what is measured, or for a heading what the rows below it are about.
        cells: one for each column of the table; none for a heading.
        note: what else is said of a heading.
    """

    label: str
    cells: tuple[Cell, ...] = ()
    note: str = ""

    @property
    def is_heading(self) -> bool:
        """Return whether it is the heading of the rows that follow."""
        return not self.cells


@dataclass(frozen=True, slots=True)
class ResultTable:
    """Figures side by side.

    Attributes:
        title: what they are.
        columns: what they are of; the column of labels has no name.
        rows: the figures.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]


def columns_of(results: Results) -> dict[str, Part]:
    """The models that results are about, by what a table calls them.

    Next to a model that was finished already there is no uncompressed one.
    """
    if results["baseline"] is None:
        return {"model": results}
    return {"uncompressed": results["baseline"], "compressed": results}


def comparison(results: Results) -> ResultTable:
    """The uncompressed next to the compressed model: metrics, sizes, every attack of the audit."""
    columns = columns_of(results)
    parts = tuple(columns.values())
    rows = [
        *_metric_rows(parts),
        *_size_rows(parts),
        *_explored_row(results),
        *_audit_rows(results, parts),
    ]
    return ResultTable("Audit, with 95 % intervals", tuple(columns), tuple(rows))


def objectives_of(results: Results, entry: Mapping[str, Any]) -> ResultTable:
    """Return the objectives that a model of the archive was kept for."""
    rows = []
    for name, value in entry["objectives"].items():
        advantage = "" if name == "performance" else f"{_end(results)}advantage of "
        rows.append(
            Row(f"{advantage}{objective_name(results, name)}", (Cell(format_number(value)),))
        )
    return ResultTable("Objectives, on the pool that selects", ("",), tuple(rows))


def audit_of(results: Results, entry: Part) -> ResultTable:
    """The audit of a model of the archive that was audited."""
    parts = (entry,)
    rows = (*_metric_rows(parts), *_audit_rows(results, parts))
    return ResultTable("Audit, with 95 % intervals", ("",), rows)


def archive_ends(results: Results) -> ResultTable | None:
    """The chosen model next to the ends of the archive; None where no other model was audited."""
    columns: list[str] = []
    parts: list[Part] = []
    for name, part in _list_audited_models(results):
        columns.append(name)
        parts.append(part)
    if len(parts) < 2:
        return None
    rows = list(_metric_rows(parts))
    if results["audit"]:
        rows.append(Row("advantage of"))
    rows += [
        Row(f"  {attack}", tuple(_reading(part["audit"][attack], "advantage") for part in parts))
        for attack in results["audit"]
    ]
    return ResultTable("Other models of the archive", tuple(columns), tuple(rows))


def separability(results: Results) -> ResultTable | None:
    """Return the candidates' spread against the test's noise, by objective, over all rounds."""
    rounds = results["rounds"]
    if not rounds:
        return None
    rows = []
    for objective in rounds[0]["spread"]:
        seen = [round_["spread"][objective] for round_ in rounds]
        apart_count = sum(reading["tells_apart"] for reading in seen)
        means = [sum(reading[key] for reading in seen) / len(seen) for key in ("spread", "noise")]
        figures = (f"{apart_count} of {len(seen)}", *map(format_number, means))
        rows.append(Row(objective_name(results, objective), tuple(map(Cell, figures))))
    columns = ("rounds that could", "mean spread", "mean noise")
    return ResultTable("Could a round's test tell its candidates apart?", columns, tuple(rows))


def phases(results: Results) -> ResultTable | None:
    """Return a method's phases in order; None without any."""
    method = results["method"]
    if method is None or not method["phases"]:
        return None
    rows = [
        Row(phase["name"], (Cell(str(phase["epochs"])), Cell(format_fraction(phase["density"]))))
        for phase in method["phases"]
    ]
    title = f"How {method['type']} came to its model"
    return ResultTable(title, ("epochs", "density after it"), tuple(rows))


def objective_name(results: Results, objective: str) -> str:
    """Return the name of an objective: ``performance`` has that of its metric."""
    if objective != "performance":
        return objective
    return str(results["selection"]["performance"])


def _end(results: Results) -> str:
    """Return the end of an interval that serves as objective."""
    return "upper end of the " if results["selection"]["bound"] == "careful" else ""


def ends_of(results: Results) -> dict[str, str]:
    """Ids of the models at the archive's ends, by ``performance`` and ``safety``.

    Empty without an archive. The same models as ``choose.archive.Archive.ends``.
    """
    archive = results["archive"]
    if not archive:
        return {}
    attackers = results["selection"]["attackers"]

    def leak(entry: Mapping[str, Any]) -> tuple[float, float]:
        objectives = entry["objectives"]
        weighed = [attacker["weight"] * objectives[name] for name, attacker in attackers.items()]
        return max(weighed, default=0.0), sum(weighed)

    def performance(entry: Mapping[str, Any]) -> float:
        return float(entry["objectives"]["performance"])

    best = max(archive, key=lambda entry: (performance(entry), -leak(entry)[1]))
    safest = min(archive, key=lambda entry: (*leak(entry), -performance(entry)))
    return {"performance": best["id"], "safety": safest["id"]}


def _list_audited_models(results: Results) -> Iterator[tuple[str, Part]]:
    """The chosen model, then each audited end of the archive that is another one."""
    ends = ends_of(results)
    chosen = next((entry["id"] for entry in results["archive"] if entry["chosen"]), None)
    roles = {"performance": "best at the task", "safety": "safest"}
    roles_of: dict[str, list[str]] = {}
    for end, model in ends.items():
        roles_of.setdefault(model, []).append(roles[end])
    own_roles = [chosen or "compressed", "chosen", *roles_of.pop(chosen or "", [])]
    yield _stack_label(own_roles), results
    for entry in results["archive"]:
        if entry["id"] in roles_of and "audit" in entry:
            yield _stack_label([entry["id"], *roles_of[entry["id"]]]), entry


def _stack_label(names: Sequence[str]) -> str:
    """A column's name: the model, and below it what it is."""
    return f"{names[0]}\n{', '.join(names[1:])}"


def _metric_rows(parts: Sequence[Part]) -> Iterator[Row]:
    """The metrics but for a file's size, which the table has anyway."""
    for name in parts[0]["metrics"]:
        readings = [part["metrics"][name] for part in parts]
        if all(
            reading["value"] == _file_bytes(part)
            for reading, part in zip(readings, parts, strict=True)
        ):
            continue
        cells = tuple(
            Cell(format_number(reading["value"]), _interval(reading["value"], reading["interval"]))
            for reading in readings
        )
        yield Row(f"test {name}", cells)


def _file_bytes(part: Part) -> Any:
    return part["model"]["file_bytes"] if "model" in part else part.get("file_bytes")


def _size_rows(parts: Sequence[Part]) -> Iterator[Row]:
    models = [part["model"] for part in parts]
    if all(model["density"] is not None for model in models):
        yield from _density_rows(models)
    counts = [
        model["parameters"] if model["active"] is None else model["active"] for model in models
    ]
    if None not in counts:
        yield Row(
            "parameters",
            tuple(
                Cell(f"{count:,}", _share_of_all(model))
                for count, model in zip(counts, models, strict=True)
            ),
        )
    yield Row(
        "model file",
        tuple(Cell(f"{model['file_bytes']:,} bytes", _times_smaller(model)) for model in models),
    )


def _density_rows(models: Sequence[Mapping[str, Any]]) -> Iterator[Row]:
    """Yield both densities, each by its name, where one of them would mislead."""
    names = {"density": "density"}
    if any(map(states_both, models)):
        names = {SPARSE_LAYERS: "density", WHOLE_MODEL: "model_density"}
    for label, key in names.items():
        yield Row(label, tuple(Cell(format_fraction(model[key])) for model in models))


def _explored_row(results: Results) -> Iterator[Row]:
    """Return the number of weights that were ever active, if the topology changed."""
    method = results["method"]
    if method is not None and "explored" in method["facts"]:
        yield Row(
            "weights ever active", (Cell("–"), Cell(format_fraction(method["facts"]["explored"])))
        )


def _share_of_all(model: Mapping[str, Any]) -> str:
    """The density of the whole model; empty for the uncompressed one, and where it is unknown."""
    density = model["model_density"]
    return "" if density is None or density == 1 else f"{format_fraction(density)} of all"


def _times_smaller(model: Mapping[str, Any]) -> str:
    """Empty for the uncompressed model itself."""
    if model["file_bytes"] == model["dense_bytes"]:
        return ""
    times = model["dense_bytes"] / model["file_bytes"]
    return f"{times:.1f}× smaller" if times > 1 else f"{1 / times:.1f}× larger"


def _audit_rows(results: Results, parts: Sequence[Part]) -> Iterator[Row]:
    for attack in parts[0]["audit"]:
        judged = [part["audit"][attack] for part in parts]
        game = game_in(results.get("games"), judged[0]["game"])
        yield Row(attack, note=game.name)
        yield from _attack_rows(game, judged)


def _attack_rows(game: GameDef, judged: Sequence[Mapping[str, Any]]) -> Iterator[Row]:
    """Return an attack's result on each model, with that of a guess without the model."""
    for measure in game.measures:
        name = measure.name
        if not measure.is_shown or all(attack.get(name) is None for attack in judged):
            continue
        guess = f" (guess {format_number(judged[0][measure.guess])})" if measure.guess else ""
        yield Row(f"  {measure.title}{guess}", tuple(_reading(attack, name) for attack in judged))


def _reading(judged: Mapping[str, Any], measure: str) -> Cell:
    value = judged.get(measure)
    if value is None:
        return Cell("–")
    return Cell(format_number(value), _interval(value, judged[f"{measure}_interval"]))


def _interval(value: float, interval: Sequence[float]) -> str:
    """Empty for what has no uncertainty."""
    low, high = interval
    return "" if low == high == value else format_interval(low, high)
