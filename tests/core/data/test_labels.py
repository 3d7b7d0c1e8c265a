"""Labels of samples, unified, and those of one side."""

from dataclasses import replace

import torch

from safecompress_core.data.dataset import Dataset
from safecompress_core.data.labels import describe_one_sided_labels, unify_labels
from safecompress_core.data.pools import Pool, SamplePools

DATA = Dataset(
    inputs=torch.arange(4.0)[:, None],
    labels=torch.tensor([0, 2, 2, 0]),
    classes=("ant", "bee", "cat"),
    attributes={},
)


def test_spellings_of_a_label_are_one_label() -> None:
    """In any data set, including a plugin's; a note lists the spellings."""
    data = replace(DATA, classes=("False", "True", "0"))

    found = unify_labels(data)

    assert found.classes == ("0", "True")
    assert found.labels.tolist() == [0, 0, 0, 0]
    assert found.notes == ("labels are equal by value: '0' = 'False'",)
    assert unify_labels(DATA) is DATA


def test_a_label_of_one_side_is_described() -> None:
    """With the side and the count; a label of both sides, or of none, is not."""
    data = replace(DATA, labels=torch.tensor([0, 0, 0, 2, 0, 0, 0, 0]))
    rows = torch.arange(8).reshape(4, 2)
    pools = SamplePools(
        Pool("attack_train", rows[0], rows[1]), None, Pool("audit", rows[2], rows[3])
    )

    assert list(describe_one_sided_labels(data, pools)) == [
        "only non-members have this label: 'cat' (1 samples); a label of one side reveals "
        "membership whatever the model answers"
    ]
    assert not list(
        describe_one_sided_labels(replace(data, labels=torch.zeros(8, dtype=torch.int64)), pools)
    )
