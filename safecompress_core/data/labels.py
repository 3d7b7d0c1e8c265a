"""Labels of samples: unified by value, and those that one side alone has."""

from collections.abc import Iterator
from dataclasses import replace

import torch

from safecompress_core.data.dataset import Dataset
from safecompress_core.data.pools import SamplePools
from safecompress_core.data.spellings import by_value, spellings_unified

__all__ = ["describe_one_sided_labels", "unify_labels"]

MOST_SHOWN = 10


def unify_labels(dataset: Dataset) -> Dataset:
    """Return the same samples with one label for each value, and a note where there were more.

    Two files of one table may write a label as ``1`` and as ``1.0``. As two labels they would
    reveal which file a sample is from, and so who is a member.
    """
    shared = by_value(dataset.classes)
    # Nothing to unify: the same object, so that positions and digests stay valid.
    if all(name == spelling for spelling, name in shared.items()):
        return dataset
    # dict.fromkeys removes duplicates and keeps the order of first occurrence.
    classes = tuple(dict.fromkeys(shared[name] for name in dataset.classes))
    place = {name: number for number, name in enumerate(classes)}
    # Maps old numbers to new ones, applied to all samples at once.
    numbers = torch.tensor([place[shared[name]] for name in dataset.classes])
    notes = dataset.notes
    if len(classes) < len(dataset.classes):
        notes = (*notes, f"labels are equal by value: {spellings_unified(shared)}")
    return replace(dataset, labels=numbers[dataset.labels], classes=classes, notes=notes)


def describe_one_sided_labels(dataset: Dataset, pools: SamplePools) -> Iterator[str]:
    """Describe each kind of label that members have and non-members have not, or the reverse.

    Anyone who knows such a label knows the side, whatever a model answers.
    """
    sides = {
        "members": pools.members,
        # All non-members of all pools: a label may be absent from one pool by chance.
        "non-members": torch.cat([pool.non_members for pool in pools]),
    }
    count = len(dataset.classes)
    seen = {
        side: torch.bincount(dataset.labels[rows], minlength=count) for side, rows in sides.items()
    }
    for side, other in (("members", "non-members"), ("non-members", "members")):
        # Labels that neither side has are no evidence of anything.
        alone = ((seen[side] > 0) & (seen[other] == 0)).nonzero()[:, 0].tolist()
        if alone:
            shown = ", ".join(
                f"{dataset.classes[number]!r} ({int(seen[side][number])} samples)"
                for number in alone[:MOST_SHOWN]
            )
            more = f" and {len(alone) - MOST_SHOWN} more" if len(alone) > MOST_SHOWN else ""
            noun = "this label" if len(alone) == 1 else f"these {len(alone)} labels"
            yield (
                f"only {side} have {noun}: {shown}{more}; a label of one side reveals membership "
                "whatever the model answers"
            )
