"""Page of an audited model without an uncompressed one."""

from collections.abc import Iterator

from safecompress_core.report.contents import Tile, select_worst_cases, worst_tile
from safecompress_core.report.densities import share_kept
from safecompress_core.report.formatting import and_list, format_interval, format_number, size
from safecompress_core.report.verdict import VerdictFinding, is_void
from safecompress_core.results.schema import AnyAttackRecord, Results

__all__ = ["headline", "swap_findings", "tiles"]


def headline(results: Results) -> str:
    """The audit in one sentence; empty if the verdict is void."""
    if is_void(results):
        return ""
    gains = [
        f"{format_number(attack.advantage)} ({format_interval(*attack.advantage_interval)}) in "
        f"{attack.game}"
        for _, attack in _strongest(results)
    ]
    metric = results.selection.performance
    reached = format_number(results.metrics[metric].value)
    what = "The strongest attack gains" if len(gains) == 1 else "The strongest attacks gain"
    return f"{what} {and_list(gains)} over a guess, at a test {metric} of {reached}."


def tiles(results: Results) -> tuple[Tile, ...]:
    """Size, performance, the strongest attack of each game, and two worst cases of membership."""
    name, origin, model = results.selection.performance, results.origin, results.model
    metric = results.metrics[name]
    assert origin is not None  # an audit has one
    pool = results.pools["audit"]
    records = pool.members + pool.non_members
    described = f"{origin.format}, {origin.access} access"
    # Of predictions there is no file of a model, so their number takes its place.
    subject = (
        _tile("records", f"{records:,}", "in the audit pool", described)
        if model.file_bytes is None
        else _tile("model file", size(model.file_bytes), share_kept(model), described)
    )
    return (
        subject,
        _tile(
            f"test {name}",
            format_number(metric.value),
            f"95 % interval {format_interval(*metric.interval)}",
            f"on {results.pools['audit'].non_members} samples that it was not trained on",
        ),
        *(
            _tile(
                f"{attack.game} advantage",
                format_number(attack.advantage),
                f"95 % interval {format_interval(*attack.advantage_interval)}",
                f"by {attacker}",
            )
            for attacker, attack in _strongest(results)
        ),
        *map(worst_tile, select_worst_cases(results)),
    )


def _strongest(results: Results) -> Iterator[tuple[str, AnyAttackRecord]]:
    """Of each game the attack that gains most."""
    for game in dict.fromkeys(attack.game for attack in results.audit.values()):
        attacks = {name: attack for name, attack in results.audit.items() if attack.game == game}
        best = max(attacks, key=lambda name: attacks[name].advantage)
        yield best, attacks[best]


def _tile(label: str, figure: str, change: str, note: str) -> Tile:
    return Tile(
        label=label, after=figure, before="", change=change, brief="", note=note, direction="same"
    )


def swap_findings(results: Results) -> Iterator[VerdictFinding]:
    """Yield the advantage of the swap test; nothing where it was not made."""
    record = results.swap_test
    if record is not None:
        yield VerdictFinding(
            "For the owner alone: compared with its swap twin, the model separates members from "
            f"non-members with an advantage of {format_number(record.advantage)} "
            f"({format_interval(*record.advantage_interval)}). No adversary can make this test, "
            "so it is no attack of the audit and counts for no gate."
        )
