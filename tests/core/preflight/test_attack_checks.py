"""Attacks that cannot be run on these data, refused before anything is trained."""

import sys
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from safecompress_core.context.run_context import RunContext
from safecompress_core.errors import MissingExtraError, SpecError
from safecompress_core.preflight.attack_checks import attack_flaws
from safecompress_core.preflight.run_checks import require_feasible


def refused(run_context: RunContext) -> list[str]:
    """What is said before anything is trained."""
    with pytest.raises(SpecError) as caught:
        require_feasible(run_context)
    return [f"{one.path}: {one.message}; {one.mend}" for one in caught.value.problems]


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
    run_context.__dict__["dataset"] = other

    [found] = list(attack_flaws(run_context))

    assert found.path == ("audit", "attackers", 0, "type")
    assert "needs inputs that can be moved" in found.message


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


def test_what_reconstructs_cannot_select(prepare: Callable[..., RunContext]) -> None:
    """Candidates are compared sample by sample."""
    with pytest.raises(SpecError, match=r"'dlg' reconstructs inputs.*compared sample by sample"):
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
