"""Labels of samples: unified by value, and numbered as a finished model numbers its outputs."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch

from safecompress_core.dataset import Dataset
from safecompress_core.errors import DataError
from safecompress_core.privacy.pools import Pools
from safecompress_core.spellings import by_value, spellings_unified

__all__ = ["one_sided", "renumbered", "unified"]

MOST_SHOWN = 10


def unified(dataset: Dataset) -> Dataset:
    """Return the same samples with one label for each value, and a note where there were more.

    Two files of one table may write a label as ``1`` and as ``1.0``. As two labels they would tell
    which file a sample is from, and so who is a member.
    """
    shared = by_value(dataset.classes)
    if all(name == spelling for spelling, name in shared.items()):
        return dataset
    classes = tuple(dict.fromkeys(shared[name] for name in dataset.classes))
    place = {name: number for number, name in enumerate(classes)}
    numbers = torch.tensor([place[shared[name]] for name in dataset.classes])
    notes = dataset.notes
    if len(classes) < len(dataset.classes):
        notes = (*notes, f"labels are equal by value: {spellings_unified(shared)}")
    return replace(dataset, labels=numbers[dataset.labels], classes=classes, notes=notes)


def one_sided(dataset: Dataset, pools: Pools) -> Iterator[str]:
    """Describe each kind of label that members have and non-members have not, or the reverse.

    Whoever knows such a label knows the side, whatever a model answers.
    """
    sides = {
        "members": pools.members,
        "non-members": torch.cat([pool.non_members for pool in pools]),
    }
    count = len(dataset.classes)
    seen = {
        side: torch.bincount(dataset.labels[rows], minlength=count) for side, rows in sides.items()
    }
    for side, other in (("members", "non-members"), ("non-members", "members")):
        alone = ((seen[side] > 0) & (seen[other] == 0)).nonzero()[:, 0].tolist()
        if alone:
            shown = ", ".join(
                f"{dataset.classes[one]!r} ({int(seen[side][one])} samples)"
                for one in alone[:MOST_SHOWN]
            )
            more = f" and {len(alone) - MOST_SHOWN} more" if len(alone) > MOST_SHOWN else ""
            noun = "this label" if len(alone) == 1 else f"these {len(alone)} labels"
            yield (
                f"only {side} have {noun}: {shown}{more}; a label of one side tells membership "
                "whatever the model answers"
            )


def renumbered(dataset: Dataset, names: Sequence[str]) -> Dataset:
    """The same samples with labels numbered as the outputs of a model are.

    A file numbers the labels that it holds, so one without a sample of some label would shift all
    that follow.

    Args:
        dataset: its labels are looked up by their names; numbers and booleans by value.
        names: of the model's outputs, in their order; none of them twice.

    Raises:
        DataError: if the samples have a label that the model does not.
    """
    shared = by_value((*names, *dataset.classes))
    place = {shared[name]: number for number, name in enumerate(names)}
    used = [dataset.classes[label] for label in dataset.labels.unique().tolist()]
    unknown = [name for name in used if shared[name] not in place]
    if unknown:
        more = f" and {len(unknown) - MOST_SHOWN} more" if len(unknown) > MOST_SHOWN else ""
        shown = ", ".join(map(repr, unknown[:MOST_SHOWN]))
        raise DataError(
            f"the samples have labels that the model has no output for: {shown}{more}",
            mend=f"leave them out, or mend the names; the model has: {', '.join(names)}",
        )
    numbers = torch.tensor([place.get(shared[name], 0) for name in dataset.classes])
    return replace(dataset, labels=numbers[dataset.labels], classes=tuple(names))
