"""Results of a run or an audit."""

from collections.abc import Callable
from typing import Any

import pytest

from safecompress_core.context.run_context import RunContext
from safecompress_core.errors import SafeCompressError
from safecompress_core.methods.method import MethodOutcome
from safecompress_core.runs.build_results import (
    MethodWork,
    _describe_references,
    describe_model,
    parse_rounds,
)
from safecompress_core.training.training_state import TrainingState
from tests.core.fixtures.records import candidate_record, round_record

MakeState = Callable[..., TrainingState]


def test_sizes_are_shares_of_what_the_uncompressed_model_has(make_state: MakeState) -> None:
    """Hand-worked: 64 × 12 + 12 × 10 weights and 22 biases; a quarter of the weights is kept."""
    dense, sparse = make_state(density=None), make_state(density=0.25)

    found = describe_model(
        sparse, uncompressed=dense, architecture={"type": "mlp"}, file_bytes=9, dense_bytes=30
    )

    weights, total = 64 * 12 + 12 * 10, 64 * 12 + 12 * 10 + 22
    assert found.parameters == total
    assert found.active == weights // 4 + 22
    assert found.density == pytest.approx(1 / 4)
    assert found.model_density == pytest.approx((weights // 4 + 22) / total)
    assert found.sparsifiable == pytest.approx(weights / total)
    assert (found.file_bytes, found.dense_bytes) == (9, 30)


def test_a_dense_model_has_all_weights(make_state: MakeState) -> None:
    """Beside itself."""
    dense = make_state(density=None)

    found = describe_model(dense, uncompressed=dense, architecture={}, file_bytes=1, dense_bytes=1)

    assert (found.density, found.model_density, found.active) == (1.0, 1.0, found.parameters)


def test_a_round_that_json_cannot_hold_is_refused(make_state: MakeState) -> None:
    """With the field that is at fault: a plugin may have put it there."""
    content: dict[str, Any] = round_record(1).model_dump(mode="json")
    outcome = MethodOutcome(chosen=make_state(), rounds=(content | {"round": "first"},))

    with pytest.raises(SafeCompressError, match=r"results.json cannot be written: round"):
        parse_rounds(outcome)


def test_what_tested_the_chosen_candidate_is_found_by_its_id(
    make_state: MakeState, tmp_path: Any
) -> None:
    """Nothing where a method has chosen nothing."""
    rounds = (round_record(1, candidate_record("r1c1")),)

    def work(chosen: str) -> MethodWork:
        return MethodWork(
            params=None,  # type: ignore[arg-type]
            outcome=MethodOutcome(chosen=make_state(), chosen_id=chosen),
            rounds=rounds,
            stages=(),
            also_audit=(),
            directory=tmp_path,
        )

    assert work("r1c1").tested == rounds[0].candidates[0].attacks
    assert work("").tested == {}


@pytest.mark.parametrize(
    ("asked", "lineage", "rounds", "method"),
    [
        ("replay", {"steps": []}, 1, "replay"),
        ("rerun", {"steps": []}, 1, "rerun"),
        # A method that selects nothing is its own replay; one that selects needs a lineage.
        ("replay", {}, 0, "replay"),
        ("replay", {}, 1, "rerun"),
    ],
)
def test_results_say_how_reference_models_were_trained(
    prepare: Callable[..., RunContext],
    make_state: MakeState,
    *,
    asked: str,
    lineage: dict[str, Any],
    rounds: int,
    method: str,
) -> None:
    """With their number; nothing where no attack compares with any."""
    outcome = MethodOutcome(chosen=make_state(), lineage=lineage, rounds=({},) * rounds)
    lira = {"type": "lira", "references": 4}
    run_context = prepare(audit__attackers=[lira], audit__references={"method": asked})

    found = _describe_references(run_context, outcome)

    assert found is not None
    assert (found.models, found.method) == (4, method)
    assert _describe_references(prepare(), outcome) is None
