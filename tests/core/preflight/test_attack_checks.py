"""Attacks that cannot be run on these data, refused before anything is trained."""

import sys
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from safecompress_core.context.run_context import RunContext
from safecompress_core.data.dataset import Attribute
from safecompress_core.errors import MissingExtraError, SpecError
from safecompress_core.games.manifest import INVERSION
from safecompress_core.preflight.attack_checks import check_attacks
from safecompress_core.preflight.run_checks import require_feasible
from tests.core.fixtures.refusals import refusal

Prepare = Callable[..., RunContext]


def refused(run_context: RunContext) -> list[str]:
    """What is said before anything is trained."""
    with pytest.raises(SpecError) as caught:
        require_feasible(run_context)
    return [f"{one.path}: {one.message}; {one.hint}" for one in caught.value.problems]


@pytest.mark.parametrize("is_text", [True, False])
def test_inputs_that_cannot_be_moved_are_refused(
    prepare: Callable[..., RunContext], is_text: bool
) -> None:
    """A word or a code has no neighbour at a distance of epsilon."""
    run_context = prepare(audit__attackers=[{"type": "mi-face"}])
    loaded = run_context.original
    other = (
        replace(loaded, texts=("word",) * len(loaded))
        if is_text
        else replace(loaded, inputs=(loaded.inputs[torch.arange(len(loaded))] * 16).long())
    )
    run_context.samples.__dict__["dataset"] = other

    [found] = list(check_attacks(run_context))

    assert found.path == ("audit", "attackers", 0, "type")
    assert "needs continuous inputs" in found.message


def test_more_samples_and_queries_than_there_are_are_refused(
    prepare: Callable[..., RunContext],
) -> None:
    """Each with the most that there are."""
    attackers = [{"type": "dlg", "samples": 5000}, {"type": "knockoff", "budget": 5000}]
    run_context = prepare(audit__attackers=attackers)
    members = len(run_context.pools.audit.members)
    held = len(run_context.pools.attack_train.non_members)

    assert refused(run_context) == [
        f"audit.attackers.0.samples: 'dlg' is to show 5000 members, and the pool has {members}; "
        f"write at most {members}",
        f"audit.attackers.1.budget: 'knockoff' is to query 5000 samples, and the adversary has "
        f"{held}; write at most {held}, or leave it out",
    ]


def test_a_game_that_compares_no_candidates_cannot_select(
    prepare: Callable[..., RunContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As its definition says; inversion of classes or samples does."""
    prepare(attackers=[{"type": "dlg"}, {"type": "mi-face"}])
    alone = replace(INVERSION, compares_candidates=False)
    monkeypatch.setattr(
        "safecompress_core.specfile.checks.attacker_checks.game_of", lambda _: alone
    )

    with pytest.raises(SpecError, match=r"'dlg' plays 'inversion', by which candidates are not"):
        prepare(attackers=[{"type": "dlg"}])


def test_a_missing_extra_is_told_before_anything_is_trained(
    prepare: Callable[..., RunContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what to install."""
    for name in {"foolbox", *sys.modules}:
        if name.partition(".")[0] == "foolbox":
            monkeypatch.setitem(sys.modules, name, None)
    for name in [name for name in sys.modules if name.endswith("gradient_evasion")]:
        monkeypatch.delitem(sys.modules, name)
    run_context = prepare(audit__attackers=[{"type": "fgsm", "epsilon": 0.1}])

    with pytest.raises(MissingExtraError, match=r"foolbox is not installed.*\[attacks\]'$"):
        require_feasible(run_context)


@pytest.mark.parametrize("rare", [0, 1])
def test_an_attribute_that_is_the_same_for_all_of_a_pool_is_refused(
    prepare: Prepare, rare: int
) -> None:
    """Nothing can be inferred, and an advantage of 0 would read as if nothing leaked."""
    run_context = prepare(audit__attackers=[{"type": "attribute-probe", "attribute": "digit"}])
    whole = run_context.original
    values = torch.zeros(len(whole), dtype=torch.int64)
    values[run_context.pools.attack_train.indices[:rare]] = 1
    same = replace(whole, attributes={"digit": Attribute(values, ("no", "yes"))})
    samples = vars(run_context.samples)
    samples["original"] = samples["dataset"] = same

    pools = ["audit"] if rare else ["attack_train", "audit"]
    assert [one.partition(": ")[2] for one in refusal(run_context)] == [
        f"audit.attackers.0.attribute: all {len(getattr(run_context.pools, pool))} samples of pool "
        f"{pool!r} have the same 'digit', so there is nothing to infer; take the attacker out, "
        "give the pool a larger share, or use more data"
        for pool in pools
    ]


def test_words_are_no_continuous_inputs(prepare: Prepare) -> None:
    """Neither by an attack nor by a defence that changes samples a little."""
    moving = {"audit": {"attackers": [{"type": "boundary"}]}}
    defences = [{"type": "augmentation", "noise": 0.1}]
    run_context = prepare(**moving)
    run_context.samples.__dict__["original"] = replace(
        run_context.original, inputs=(run_context.original.inputs * 16).long()
    )
    assert "'boundary' needs continuous inputs" in refusal(run_context)[0]
    run_context = prepare(method__defences=defences)
    run_context.samples.__dict__["original"] = replace(
        run_context.original, inputs=(run_context.original.inputs * 16).long()
    )
    assert "method.defences.0.type: 'augmentation' needs continuous" in refusal(run_context)[0]
