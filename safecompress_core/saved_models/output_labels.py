"""Labels of samples, matched by name with the outputs of a finished model.

- Position never decides where both sides have names: names are matched to the letter, by value
  (``1.0`` is ``1``), or ignoring case and spaces around them; labels that remain are an error.
- Whole numbers that are no names of the model are taken as the numbers of its outputs, from 0, and
  the data card says so.
- Placeholders (``LABEL_0`` …) and models without names say nothing: the labels of the data, in
  their order, are the outputs.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch

from safecompress_core.data.dataset import Dataset
from safecompress_core.data.spellings import by_value
from safecompress_core.errors import DataError

__all__ = [
    "align_labels",
    "are_placeholders",
    "match_labels",
    "output_names",
    "placeholder",
    "renumber_labels",
]

MOST_SHOWN = 10
DEFAULT_OUTPUTS, MOST_OUTPUTS = 2, 1_000_000
"""Outputs of a configuration that says nothing of them, and the most that one may have."""


def placeholder(number: int) -> str:
    """Return what transformers calls an output without a name."""
    return f"LABEL_{number}"


def are_placeholders(names: Sequence[str]) -> bool:
    """Return whether names say no more than their own position."""
    return all(name == placeholder(number) for number, name in enumerate(names))


def output_names(config: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of a model's outputs, as a configuration of transformers has them.

    An output that ``id2label`` leaves out has a placeholder for its name.

    Raises:
        ValueError: if an output has no whole number from 0, or one beyond all reason.
    """
    names = {int(key): str(name) for key, name in (config.get("id2label") or {}).items()}
    # Highest number plus one: ``id2label`` may leave gaps, and each output needs a name.
    count = max(names, default=int(config.get("num_labels") or DEFAULT_OUTPUTS) - 1) + 1
    if min(names, default=0) < 0 or count > MOST_OUTPUTS:
        raise ValueError(f"id2label numbers its outputs from {min(names)} to {max(names)}")
    return tuple(names.get(number, placeholder(number)) for number in range(count))


def match_labels(labels: Sequence[str], names: Sequence[str]) -> list[int | None]:
    """Return the number of the output for each label, None for a label without one.

    A name that is the same to the letter wins, then one of the same value, then one that differs
    in case and outer spaces only; the last two where no other label and no other name is like it.

    Args:
        labels: of the samples.
        names: of a model's outputs, in their order.
    """
    places: list[int | None] = [None] * len(labels)
    # Numbers are compared by value over both sides at once: 1.0 and 1 share a spelling.
    shared = by_value((*names, *labels))
    # From strict to lenient: an exact match must win over one that ignores case.
    for key in (str, shared.__getitem__, _fold_case):
        counts, asked = Counter(map(key, names)), Counter(map(key, labels))
        by_key = {key(name): number for number, name in enumerate(names)}
        for row, label in enumerate(labels):
            # Unique on both sides, or "Yes" and "yes" would be matched arbitrarily.
            if places[row] is None and counts[key(label)] == asked[key(label)] == 1:
                places[row] = by_key[key(label)]
    return places


def renumber_labels(dataset: Dataset, names: Sequence[str]) -> Dataset:
    """Return the same samples with labels numbered as the outputs of a model are.

    A file numbers the labels that it holds, so one without a sample of some label would shift all
    that follow.

    Args:
        dataset: its labels are looked up by their names.
        names: of the model's outputs, in their order.

    Raises:
        DataError: if a name is there twice, or the samples have a label that the model does not.
    """
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        message = f"two outputs of the model have the name {twice[0]!r}"
        raise DataError(message, hint="name each of them in task.labels, in their order")
    # Only labels that occur: a file may declare labels that no sample has.
    used = dataset.labels.unique().tolist()
    labels = [dataset.classes[label] for label in used]
    places = match_labels(labels, names)
    notes = [
        f"label {label!r} is the model's {names[place]!r}"
        for label, place in zip(labels, places, strict=True)
        if place is not None and names[place] != label
    ]
    numbers = _numbers(labels, len(names))
    # Numbers are tried only if no label matched a name: mixing both would be ambiguous.
    if None in places and numbers is not None and len(set(places)) == 1:
        places = [*numbers]
        shown = ", ".join(f"{n} = {names[n]}" for n in numbers[:MOST_SHOWN])
        notes = [f"labels are taken as the numbers of the model's outputs: {shown}"]
    if None in places:
        _refuse(labels, places, names)
    # Labels that do not occur keep 0, which no sample reads.
    table = torch.zeros(len(dataset.classes), dtype=torch.int64)
    table[torch.tensor(used)] = torch.tensor([place or 0 for place in places])
    return replace(
        dataset,
        labels=table[dataset.labels],
        classes=tuple(names),
        notes=(*dataset.notes, *notes),
        warnings=(*dataset.warnings, *_warn_of_unnamed(names)),
    )


def _warn_of_unnamed(names: Sequence[str]) -> Iterator[str]:
    """Warn of outputs that a configuration leaves out, whose numbers may be shifted."""
    gaps = [number for number, name in enumerate(names) if name == placeholder(number)]
    if gaps and not are_placeholders(names):
        named = ", ".join(
            f"{number} = {name}" for number, name in enumerate(names) if number not in gaps
        )
        yield (
            f"the model names no output {', '.join(map(str, gaps))}; check its id2label ({named}), "
            "or write the data's name of each output as task.labels"
        )


def align_labels(dataset: Dataset, names: Sequence[str]) -> Dataset:
    """Return samples numbered as the outputs of a pretrained model that is trained on.

    Args:
        dataset: the samples.
        names: of the outputs that it has learned; empty, or of another number than the labels,
            where its last layer is drawn anew.
    """
    # Nothing to match by, or the last layer is drawn anew for another number of labels.
    if are_placeholders(names) or len(names) != len(dataset.classes):
        return dataset
    try:
        return renumber_labels(dataset, names)
    except DataError:
        # A warning, no error: training replaces what the last layer had learned.
        warning = (
            f"the model's last layer was made for other labels ({', '.join(names[:MOST_SHOWN])}); "
            "training starts from it all the same"
        )
        return replace(dataset, warnings=(*dataset.warnings, warning))


def _refuse(labels: Sequence[str], places: Sequence[int | None], names: Sequence[str]) -> None:
    unknown = [name for name, place in zip(labels, places, strict=True) if place is None]
    more = f" and {len(unknown) - MOST_SHOWN} more" if len(unknown) > MOST_SHOWN else ""
    shown = ", ".join(map(repr, unknown[:MOST_SHOWN]))
    raise DataError(
        f"the samples have labels that the model has no output for: {shown}{more}",
        hint="leave them out, correct the names, or write the data's name of each output, in their "
        f"order, as task.labels; the model has: {', '.join(names)}",
    )


def _fold_case(name: str) -> str:
    return name.strip().casefold()


def _numbers(labels: Sequence[str], outputs: int) -> list[int] | None:
    """Labels as the numbers of outputs; None if one of them is none."""
    known = {str(number): number for number in range(outputs)}
    shared = by_value((*known, *labels))
    numbers = [known[shared[label]] for label in labels if shared[label] in known]
    return numbers if len(numbers) == len(labels) else None
