"""Pools of a spec, planned before anything runs."""

from pathlib import Path

import pytest

from safecompress_core.errors import SpecError
from safecompress_core.host import load_plugins
from safecompress_core.preflight.pool_power import plan_pools
from safecompress_core.specfile.load import load_any_spec

RUN = """\
version: 1
name: planned
task: {data: {type: handwriting}, model: {type: mlp}}
pools: {members: 0.4}
method: {type: uncompressed}
audit: {attackers: [{type: entropy}]}
"""
AUDIT = """\
version: 1
kind: audit
name: planned
task: {data: {type: handwriting}}
pools: {members: 0.4, attack_train: 0.7, audit: 0.3}
audit: {attackers: [{type: entropy}]}
"""


@pytest.mark.parametrize("text", [RUN, AUDIT])
def test_the_pools_of_a_run_and_of_an_audit_are_cut_as_they_will_be(
    tmp_path: Path, text: str
) -> None:
    """Of 1,797 samples 719 are members; three in ten of either side are the pool *audit*."""
    path = tmp_path / "spec.yaml"
    path.write_text(text, encoding="utf-8")
    registry = load_plugins().registry

    plan = plan_pools(load_any_spec(path, registry=registry), registry)

    assert plan.samples == 1797
    assert plan.pool.members == pytest.approx(0.3 * 719, abs=1)
    assert plan.pool.non_members == pytest.approx(0.3 * 1078, abs=1)


def test_data_that_are_not_there_are_a_problem_at_their_place(tmp_path: Path) -> None:
    """As before a run."""
    path = tmp_path / "spec.yaml"
    data = "{type: csv, path: nowhere.csv, target: y}"
    path.write_text(AUDIT.replace("{type: handwriting}", data), encoding="utf-8")
    registry = load_plugins().registry

    with pytest.raises(SpecError, match=r"task\.data.*nowhere\.csv"):
        plan_pools(load_any_spec(path, registry=registry), registry)
