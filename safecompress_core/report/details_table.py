"""Table of membership risk beyond averages: a pure function of ``results.json``."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from safecompress_core.report.formatting import format_interval, format_number
from safecompress_core.report.summary import Cell, ResultTable, Row, columns_of
from safecompress_core.report.worst_cases import find_unimproved_top_deciles

__all__ = ["membership_details_table"]


def membership_details_table(results: Mapping[str, Any]) -> ResultTable | None:
    """Return the details of every model; None without an audited membership attack."""
    columns, unimproved = columns_of(results), find_unimproved_top_deciles(results)
    rows: list[Row] = []
    for attack, attack_record in results["audit"].items():
        if "top_decile" in attack_record:
            rows.append(Row(attack, note=attack_record["game"]))
            judged = [part["audit"][attack] for part in columns.values()]
            rows += _detail_rows(judged, is_caution=attack in unimproved)
    if not rows:
        return None
    title = "Beyond averages: membership, with 95 % intervals"
    return ResultTable(title, tuple(columns), tuple(rows))


def _detail_rows(judged: Sequence[Mapping[str, Any]], *, is_caution: bool) -> Iterator[Row]:
    """An attack's figures of every model; the last one's tenth may not have improved."""
    prior = f"{judged[0]['precision_prior']:.3g}"
    yield Row(
        f"  precision at prior {prior}",
        tuple(
            Cell("–", "accuses nobody")
            if attack["precision"] is None
            else Cell(
                format_number(attack["precision"]), format_interval(*attack["precision_interval"])
            )
            for attack in judged
        ),
    )
    tops = [attack["top_decile"] for attack in judged]
    yield Row(
        f"  top 10 % members (guess {format_number(tops[0]['baseline'])})",
        tuple(
            Cell(
                format_number(top["precision"]),
                format_interval(*top["interval"]),
                is_caution=is_caution and top is tops[-1],
            )
            for top in tops
        ),
    )
    if all("canaries" in attack for attack in judged):
        yield Row("  AUC on canaries", tuple(_canaries(attack["canaries"]) for attack in judged))
    yield Row("  ε is at least", tuple(_epsilon(attack["epsilon"]) for attack in judged))
    yield Row("  most exposed label", tuple(_worst_label(attack["labels"]) for attack in judged))


def _canaries(judged: Mapping[str, Any]) -> Cell:
    """By AUC: the attack's threshold was chosen on samples whose label is right."""
    return Cell(format_number(judged["auc"]), format_interval(*judged["auc_interval"]))


def _epsilon(bound: Mapping[str, Any] | None) -> Cell:
    if bound is None:
        return Cell("–", "no pairs")
    right = f"{bound['correct']} of {bound['guesses']} right"
    return Cell(format_number(bound["lower_bound"]), right)


def _worst_label(labels: Sequence[Mapping[str, Any]]) -> Cell:
    """By advantage, among labels with enough samples; all of them have their own table."""
    with_advantage = [label for label in labels if label["advantage"] is not None]
    if not with_advantage:
        return Cell("–", "too few samples")
    worst = max(with_advantage, key=lambda label: label["advantage"])
    return Cell(format_number(worst["advantage"]), worst["label"])
