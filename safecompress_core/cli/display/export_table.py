"""Table of an export: the compressed model next to the written file."""

from collections.abc import Iterator
from itertools import groupby

from safecompress_core.export.model_card import format_difference
from safecompress_core.report.formatting import format_number, size
from safecompress_core.report.summary import Cell, ResultTable, Row
from safecompress_core.report.verdict import VerdictFinding
from safecompress_core.results.schema import ExportRecord, PairedRecord

__all__ = ["export_findings", "export_table"]


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
