"""Power of an audit on a terminal: what can be resolved, and how many samples more would take."""

from rich.console import Console

from safecompress_core.audit.power import POWER
from safecompress_core.audit.power_plan import GatePower, PowerPlan
from safecompress_core.cli.display.consoles import output_console
from safecompress_core.cli.display.tables import draw_table, print_findings
from safecompress_core.games.manifest import MEMBERSHIP
from safecompress_core.report.formatting import format_interval, format_number
from safecompress_core.report.summary import Cell, ResultTable, Row
from safecompress_core.report.verdict import VerdictFinding
from safecompress_core.stats.intervals import Estimate

__all__ = ["print_power"]


def print_power(name: str, plan: PowerPlan) -> None:
    """Print the plan of a spec's audit."""
    console = output_console()
    pool = plan.pool
    console.print(f"{name}: what the audit can resolve", style="bold")
    console.print(
        f"pool audit: {pool.members:,} members and {pool.non_members:,} non-members, of "
        f"{plan.samples:,} samples"
    )
    if pool.attacks > 1:
        console.print(f"{pool.attacks} attacks on membership, of which the worst counts")
    for table in (_signal_table(plan), _leak_table(plan)):
        console.print()
        console.print(draw_table(table))
    console.print()
    print_findings(console, [_finding_of_gate(gate) for gate in plan.gates])
    _print_samples(console, plan)


def _signal_table(plan: PowerPlan) -> ResultTable:
    """Return the intervals of three attacks."""
    rows = []
    for measure in plan.signals[0].figures:
        cells = tuple(_cell(signal.figures[measure]) for signal in plan.signals)
        rows.append(Row(_title(measure), cells))
    columns = tuple(f"{signal.signal} signal".replace("none", "no") for signal in plan.signals)
    return ResultTable("95 % intervals of an attack on membership", columns, tuple(rows))


def _leak_table(plan: PowerPlan) -> ResultTable:
    rows = [
        Row(
            _title(measure),
            tuple(
                Cell("–" if value is None else format_number(value))
                for value in (leak.smallest_leak, leak.smallest_gate, leak.smallest_margin)
            ),
        )
        for measure, leak in plan.leaks.items()
    ]
    columns = ("leak that shows", "gate at_most", "margin to earlier results")
    title = f"The smallest that {_percent(POWER)} of all audits resolve"
    return ResultTable(title, columns, tuple(rows))


def _title(measure: str) -> str:
    """Return a measure as tables call it."""
    name, _, level = measure.partition("@")
    if level:
        return f"TPR at {_percent(float(level))} FPR"
    known = MEMBERSHIP.measure(name)
    return name if known is None else known.title


def _cell(estimate: Estimate | None) -> Cell:
    if estimate is None:
        return Cell("not resolvable")
    return Cell(format_number(estimate.value), format_interval(*estimate.interval))


def _finding_of_gate(gate: GatePower) -> VerdictFinding:
    rule = f"{gate.measure} {gate.kind.replace('_', ' ')} {gate.bound:g}"
    if gate.note:
        return VerdictFinding(f"{rule}: {gate.note}.")
    chance = "" if gate.chance is None else f"in {_percent(gate.chance)} of all audits"
    if gate.kind == "margin":
        return VerdictFinding(
            f"{rule}: an equal model meets it {chance}.", is_good=gate.is_resolved
        )
    if gate.estimate is None:
        text = f"{rule}: no estimate meets it."
    else:
        order = "least" if gate.kind == "at_least" else "most"
        text = f"{rule}: met by an estimate of at {order} {format_number(gate.estimate)}"
        if gate.value is not None:
            value = format_number(gate.value)
            text += f", in {_percent(POWER)} of all audits by a true value of {value}"
        text += "."
    if chance:
        text += f" A model without leakage meets it {chance}."
    return VerdictFinding(text, is_good=gate.is_resolved)


def _print_samples(console: Console, plan: PowerPlan) -> None:
    findings = [
        VerdictFinding(
            f"False positives of at most {_percent(rate.max_fpr)} take {rate.non_members:,} "
            f"non-members in the pool audit, about {rate.samples:,} samples in all with these "
            "shares.",
            is_good=rate.is_resolved,
        )
        for rate in plan.rates
    ]
    (half, count), *others = plan.sides.items()
    more = "".join(f"; ±{half:g}: {count:,}" for half, count in others)
    text = f"An advantage within ±{half:g} takes {count:,} members and as many non-members{more}."
    print_findings(console, [*findings, VerdictFinding(text)])


def _percent(share: float) -> str:
    """Return a share in percent, to the tenth."""
    return f"{round(share * 100, 1):g} %"
