"""AUCs worked out from the file of scores."""

from dataclasses import replace
from pathlib import Path

import pytest

from safecompress_core.results.reading import read_results
from safecompress_core.results.score_file import SCORES, read_scores, scores_file
from safecompress_core.runs.verify_scores import audits_by_model, check_scores


def test_the_scores_of_a_run_give_its_aucs(finished_run: Path) -> None:
    """Of every attack on membership, on every audited model."""
    results = read_results(finished_run)

    check = check_scores(finished_run, results)

    assert check.status == "ok"
    assert check.message.startswith(f"{len(audits_by_model(results))} AUCs")
    assert {"compressed", "uncompressed"} <= set(audits_by_model(results))


@pytest.mark.parametrize(("kept", "said"), [(1, "is 0."), (0, "lacks the scores of")])
def test_other_scores_are_found(finished_run: Path, kept: int, said: str) -> None:
    """Also where both files were recorded like that: one that is negated, one that is missing."""
    results = read_results(finished_run)
    scored = read_scores((finished_run / SCORES).read_bytes())
    scored = tuple(replace(one, score=-one.score) for one in scored)
    (finished_run / SCORES).write_bytes(scores_file(scored[: len(scored) * kept]))

    check = check_scores(finished_run, results)

    assert check.status == "damaged"
    assert said in check.message
