"""The audit of what a run has made."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from safecompress_core.choose.archive import Archive, ArchiveEntry
from safecompress_core.context.run_context import RunContext
from safecompress_core.results.directory import RunDirectory
from safecompress_core.results.events import EventLog
from safecompress_core.runs.reference_models import ReferenceTraining
from safecompress_core.runs.run_audit import BASELINE, RunAudit

FRONT = Archive(weights=(1.0,)).add(
    ArchiveEntry("a", 0.5, (0.1,)), ArchiveEntry("b", 0.6, (0.2,)), ArchiveEntry("c", 0.7, (0.3,))
)


def audit_of(run_context: RunContext, folder: Path, *, shared: Path | None = None) -> RunAudit:
    """The audit of a run in a folder."""
    events = EventLog()
    references = ReferenceTraining(
        run_context, folder, events=events, plugins_dir=None, shared=shared
    )
    with RunDirectory(folder) as directory:
        return RunAudit(run_context, directory, references, events=events, shared=shared)


@pytest.mark.parametrize(
    ("kept", "ids"), [("chosen", []), ("ends", ["a", "c"]), ("all", ["a", "c", "b"])]
)
def test_of_the_archive_as_much_is_audited_as_the_spec_says(
    prepare: Callable[..., RunContext], tmp_path: Path, kept: str, ids: list[str]
) -> None:
    """The safest and the best model first, each once."""
    found = audit_of(prepare(audit__front=kept), tmp_path)._select_front(FRONT)

    assert sorted(entry.id for entry in found) == sorted(ids)


def test_runs_that_share_an_uncompressed_model_share_its_audit(
    prepare: Callable[..., RunContext], tmp_path: Path
) -> None:
    """As long as they ask the same of it; a run by itself keeps none."""
    shared = tmp_path / "shared"

    def place(**changes: Any) -> Path | None:
        return audit_of(prepare(**changes), tmp_path / "run", shared=shared)._cached_audit_path(
            "uncompressed"
        )

    assert place() == place(method__density=0.6)
    assert place() != place(audit__attackers=[{"type": "gap"}])
    assert audit_of(prepare(), tmp_path / "run")._cached_audit_path(BASELINE) is None


def test_both_models_are_audited_by_the_same_attacks(finished_run: Path) -> None:
    """And archived models as the spec says; controls are those of the chosen one."""
    results = json.loads((finished_run / "results.json").read_text())

    assert set(results["audit"]) == set(results["baseline"]["audit"])
    assert {"loss-threshold", "probe-mlp"} == set(results["audit"])
    audited = [entry for entry in results["archive"] if "audit" in entry]
    assert audited
    assert all(set(entry["audit"]) == set(results["audit"]) for entry in audited)
    assert results["baseline"]["model"]["density"] == 1.0
    assert results["model"]["density"] == pytest.approx(0.2, abs=0.001)


def test_the_archive_has_win_shares_where_weights_are_uncertain(
    prepare: Callable[..., RunContext], tmp_path: Path
) -> None:
    """By the spec's aggregator, over all of the archive."""
    attacks = tuple(attack.id for attack in prepare().attacks)
    front = Archive(weights=(1.0,) * len(attacks)).add(
        ArchiveEntry("a", 0.5, (0.1,) * len(attacks)), ArchiveEntry("b", 0.9, (0.2,) * len(attacks))
    )
    risks = {"membership": {"severity": {"low": 1, "high": 2}}}

    uncertain = audit_of(prepare(choose={"type": "severity", "attacks": risks}), tmp_path / "a")

    assert uncertain._win_shares(front) == [0.0, 1.0]
    assert audit_of(prepare(), tmp_path / "b")._win_shares(front) == [None, None]
