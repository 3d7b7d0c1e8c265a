"""Records at risk in results."""

import json

from safecompress_core.results.schema import (
    ExposedRecord,
    GroupRiskRecord,
    OverlapRecord,
    RecordRisksRecord,
)


def test_it_is_json_and_read_again_as_it_was() -> None:
    """Null is a value: no interval, no finite score, no member that any attack finds."""
    record = RecordRisksRecord(
        file="scores.parquet",
        attack="lira",
        min_risk=0.9,
        exposed=(
            ExposedRecord(
                position=7,
                label="a",
                score=None,
                rank=1,
                risk=0.95,
                risk_interval=None,
                flagged_by=("lira",),
            ),
        ),
        max_fpr=0.01,
        overlap=(OverlapRecord(attacks=("lira", "loss"), flagged=(0, 0), both=0, jaccard=None),),
        groups=(
            GroupRiskRecord(
                by="label",
                kind="label",
                value="a",
                members=3,
                risk=0.6,
                risk_interval=(0.5, 0.7),
                exposed=1,
            ),
        ),
    )

    text = json.dumps(record.to_json(), allow_nan=False)

    assert RecordRisksRecord.model_validate_json(text) == record
    assert json.loads(text)["exposed"][0]["risk_interval"] is None
