"""Check that the AUC of every membership attack follows from the scores of the records."""

from collections.abc import Mapping
from pathlib import Path

from safecompress_core.results.integrity import Check, Status
from safecompress_core.results.schema import AnyAttackRecord, MembershipRecord, Results
from safecompress_core.results.score_file import (
    AUDITED,
    BASELINE,
    CHOSEN,
    RETRAINED,
    SCORES,
    UNFINISHED,
    read_scores,
)
from safecompress_core.stats.roc import placements

__all__ = ["audits_by_model", "check_scores"]


def audits_by_model(results: Results) -> dict[str, Mapping[str, AnyAttackRecord]]:
    """Return the attacks on each audited model, by the name that its scores have."""
    audits = {AUDITED if results.baseline is None else CHOSEN: results.audit}
    if results.baseline is not None:
        audits[BASELINE] = results.baseline.audit
    if results.unfinished is not None:
        audits[UNFINISHED] = results.unfinished.audit
    for index, part in enumerate(results.retrained or ()):
        audits[f"{RETRAINED}-{index}"] = part.audit
    return audits | {one.id: one.audit for one in results.archive if one.audit is not None}


def check_scores(directory: Path, results: Results) -> Check:
    """Return whether the file of scores gives the AUCs that the results state.

    Raises:
        OSError: if it cannot be read.
        RunDirectoryError: if it is no file of scores.
    """
    scored = read_scores((directory / SCORES).read_bytes())
    blocks = {(block.model, block.attack): block for block in scored}
    stated = {
        (model, name): attack.auc
        for model, audit in audits_by_model(results).items()
        for name, attack in audit.items()
        if isinstance(attack, MembershipRecord)
    }
    for key, auc in stated.items():
        title = f"{key[1]} on {key[0]}"
        if key not in blocks:
            return Check(SCORES, Status.DAMAGED, f"it lacks the scores of {title}")
        # The computation of the audit, so equal to the last bit.
        follows = float(placements(blocks[key].score, blocks[key].member)[0].mean())
        if follows != auc:
            message = f"the AUC of {title} is {follows}, but results.json says {auc}"
            return Check(SCORES, Status.DAMAGED, message)
    return Check(SCORES, Status.OK, f"{len(stated)} AUCs follow from the scores")
