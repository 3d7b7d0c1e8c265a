"""Table of membership risk beyond averages: a pure function of ``results.json``."""

from collections.abc import Iterator, Sequence

from safecompress_core.report.formatting import format_interval, format_number
from safecompress_core.report.summary import Cell, ResultTable, Row, columns_of
from safecompress_core.report.worst_cases import find_unimproved_top_deciles
from safecompress_core.results.schema import (
    EpsilonBoundRecord,
    LabelRecord,
    MembershipRecord,
    Results,
)

__all__ = ["membership_details_table"]


def membership_details_table(results: Results) -> ResultTable | None:
    """Return the details of every model; None without an audited membership attack."""
    columns, unimproved = columns_of(results), find_unimproved_top_deciles(results)
    rows: list[Row] = []
    for name, attack in results.audit.items():
        if isinstance(attack, MembershipRecord) and attack.top_decile is not None:
            rows.append(Row(name, note=attack.game))
            attacks = [part.audit[name] for part in columns.values()]
            detailed = [record for record in attacks if isinstance(record, MembershipRecord)]
            rows += _detail_rows(detailed, is_caution=name in unimproved)
    if not rows:
        return None
    title = "Beyond averages: membership, with 95 % intervals"
    return ResultTable(title, tuple(columns), tuple(rows))


def _detail_rows(attacks: Sequence[MembershipRecord], *, is_caution: bool) -> Iterator[Row]:
    """An attack's figures of every model; the last one's tenth may not have improved."""
    prior = f"{attacks[0].precision_prior:.3g}"
    yield Row(f"  precision at prior {prior}", tuple(_precision(attack) for attack in attacks))
    tops = [attack.top_decile for attack in attacks if attack.top_decile is not None]
    yield Row(
        f"  top 10 % members (guess {format_number(tops[0].baseline)})",
        tuple(
            Cell(
                format_number(top.precision),
                format_interval(*top.interval),
                is_caution=is_caution and top is tops[-1],
            )
            for top in tops
        ),
    )
    canaries = [attack.canaries for attack in attacks if attack.canaries is not None]
    if len(canaries) == len(attacks):
        # By AUC: the attack's threshold was chosen on samples whose label is right.
        cells = (
            Cell(format_number(attack.auc), format_interval(*attack.auc_interval))
            for attack in canaries
        )
        yield Row("  AUC on canaries", tuple(cells))
    if attacks[0].exposed_min_risk is not None:
        yield Row(
            f"  members at a risk of {attacks[0].exposed_min_risk:.3g} or more",
            tuple(_exposure(attack) for attack in attacks),
        )
    yield Row("  ε is at least", tuple(_epsilon(attack.epsilon) for attack in attacks))
    yield Row(
        "  most exposed label", tuple(_worst_label(attack.labels or ()) for attack in attacks)
    )


def _precision(attack: MembershipRecord) -> Cell:
    if attack.precision is None or attack.precision_interval is None:
        return Cell("–", "predicts no member")
    return Cell(format_number(attack.precision), format_interval(*attack.precision_interval))


def _exposure(attack: MembershipRecord) -> Cell:
    assert attack.exposed_members is not None  # a detail like the others
    assert attack.exposed_members_interval is not None
    return Cell(
        format_number(attack.exposed_members), format_interval(*attack.exposed_members_interval)
    )


def _epsilon(bound: EpsilonBoundRecord | None) -> Cell:
    if bound is None:
        return Cell("–", "no pairs")
    note = f"{bound.correct} of {bound.guesses} right"
    if bound.gaussian_lower_bound is not None:
        note += f"; {format_number(bound.gaussian_lower_bound)} if Gaussian"
    return Cell(format_number(bound.lower_bound), note)


def _worst_label(labels: Sequence[LabelRecord]) -> Cell:
    """By advantage, among labels with enough samples; all of them have their own table."""
    advantages = {
        record.label: record.advantage for record in labels if record.advantage is not None
    }
    if not advantages:
        return Cell("–", "too few samples")
    worst = max(advantages, key=lambda label: advantages[label])
    return Cell(format_number(advantages[worst]), worst)
