"""Tables of exports: the compressed model next to the written file, and the files of one run."""

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from pathlib import Path

from safecompress_core.export.model_card import format_difference
from safecompress_core.export.verify_export import read_export
from safecompress_core.report.formatting import format_number, size
from safecompress_core.report.summary import Cell, ResultTable, Row
from safecompress_core.report.verdict import VerdictFinding
from safecompress_core.results.schema import ExportRecord, PairedRecord

__all__ = ["export_findings", "export_table", "exports_table", "find_exports"]


def export_table(record: ExportRecord) -> ResultTable:
    """Return figures of the compressed model, of the file, and their differences."""
    title = f"{record.run} as {record.format}, with 95 % intervals of the differences"
    columns = ("compressed", "exported", "difference")
    return ResultTable(title, columns, tuple(_rows(record)))


def export_findings(record: ExportRecord) -> Iterator[VerdictFinding]:
    """Yield how far the answers agree, how they were computed, and what was not attacked again."""
    agreement = record.agreement
    tolerance = "" if agreement.tolerance is None else f" (at most {agreement.tolerance:g})"
    ties = f", {agreement.ties} of them ties" if agreement.ties else ""
    yield VerdictFinding(
        f"{agreement.agreement:.2%} of {agreement.samples} labels agree{ties} (at least "
        f"{agreement.least_agreement:.2%}); largest difference of a logit "
        f"{agreement.largest_difference:.2g}{tolerance}",
        is_good=agreement.passed,
    )
    runtime, number = next(iter(record.packages.items()))
    threads = f"{record.threads} thread{'s' if record.threads > 1 else ''}"
    yield VerdictFinding(f"computed by {runtime} {number} on {threads}")
    if record.not_repeated:
        names = ", ".join(f"{name} ({needs})" for name, needs in record.not_repeated.items())
        yield VerdictFinding(f"needs more than answers, not repeated: {names}")


def find_exports(folder: Path, run: str) -> list[ExportRecord]:
    """Return the records of a run's exports in a folder, by the name of their directory.

    Args:
        folder: of export directories; one that does not exist has none.
        run: name of the run's directory.

    Raises:
        RunDirectoryError: if a record cannot be read, was changed, or does not fit the schema.
    """
    records = (read_export(path.parent) for path in sorted(folder.glob("*/export.json")))
    return [record for record in records if record.run == run]


def exports_table(records: Sequence[ExportRecord]) -> ResultTable | None:
    """Return the figures of several exports side by side; None without any."""
    if not records:
        return None
    rows = [
        Row(records[0].metric, tuple(_exported(one.performance) for one in records)),
        Row("labels that agree", tuple(Cell(f"{one.agreement.agreement:.2%}") for one in records)),
        Row(
            "largest difference of a logit",
            tuple(Cell(f"{one.agreement.largest_difference:.2g}") for one in records),
        ),
        Row("file", tuple(Cell(size(one.file_bytes)) for one in records)),
        *(
            Row(f"ms, batch of {first.batch}", tuple(map(_milliseconds(first.batch), records)))
            for first in records[0].latency
        ),
        Row("advantage of attacks, and what the format changed"),
        *(
            Row(f"  {name}", tuple(_exported(one.attacks[name].advantage) for one in records))
            for name in records[0].attacks
            if all(name in one.attacks for one in records)
        ),
    ]
    return ResultTable("Exported files", tuple(one.format for one in records), tuple(rows))


def _exported(paired: PairedRecord) -> Cell:
    return Cell(format_number(paired.exported.value), format_difference(paired))


def _milliseconds(batch: int) -> Callable[[ExportRecord], Cell]:
    """Make what reads the median latency of a batch."""

    def read(record: ExportRecord) -> Cell:
        medians = [one.median for one in record.latency if one.batch == batch]
        return Cell(f"{medians[0] * 1e3:.2g}" if medians else "–")

    return read


def _rows(record: ExportRecord) -> Iterator[Row]:
    yield _paired(record.metric, record.performance)
    for game, attacks in groupby(record.attacks.items(), key=lambda named: named[1].game):
        yield Row(f"{game} advantage")
        for name, attack in attacks:
            yield _paired(f"  {name}", attack.advantage)
            if attack.auc is not None:
                yield _paired("    AUC", attack.auc)
    yield Row("on the device")
    sizes = (Cell(size(record.compressed_bytes)), Cell(size(record.file_bytes)), Cell())
    yield Row("  file", sizes)
    for before, after in zip(record.torch_latency, record.latency, strict=True):
        medians = (f"{one.median * 1e3:.2g}" for one in (before, after))
        yield Row(f"  ms, batch of {after.batch}", (*map(Cell, medians), Cell()))
        slow = (f"{one.p95 * 1e3:.2g}" for one in (before, after))
        yield Row("    95 % within", (*map(Cell, slow), Cell()))
    macs = Cell(f"{record.macs:,}")
    yield Row("  multiply-adds", (macs, macs, Cell()))


def _paired(label: str, paired: PairedRecord) -> Row:
    before, after = (format_number(one.value) for one in (paired.compressed, paired.exported))
    return Row(label, (Cell(before), Cell(after), Cell(format_difference(paired))))
