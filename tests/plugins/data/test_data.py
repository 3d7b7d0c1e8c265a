"""The embedded data: 1,797 digits in 14 writing sessions, both labels real."""

import subprocess
import sys
from difflib import SequenceMatcher
from itertools import pairwise

import pytest
import torch
from sklearn.datasets import load_digits

from safecompress_core.host import load_plugins
from safecompress_plugins.data.arrays.handwriting import Handwriting
from safecompress_plugins.data.manifest import (
    DEFINITIONS,
    SESSION_STARTS,
    HandwritingParams,
    handwriting_card,
)


def test_the_session_is_the_task_and_the_digit_is_private() -> None:
    """Images of one channel, 8 x 8, from 0 to 1."""
    data = Handwriting(HandwritingParams()).load()

    assert data.inputs.shape == (1797, 1, 8, 8)
    assert data.inputs.dtype == torch.float32
    assert (data.inputs.min().item(), data.inputs.max().item()) == (0.0, 1.0)
    assert len(data.classes) == 14
    assert torch.equal(data.labels.unique(), torch.arange(14))
    assert list(data.attributes) == ["digit"]
    digits = torch.as_tensor(load_digits().target)
    assert torch.equal(data.attributes["digit"].values, digits)


def test_the_two_labels_can_change_places() -> None:
    """The task is never an attribute as well."""
    usual = Handwriting(HandwritingParams()).load()
    swapped = Handwriting(HandwritingParams(task="digit")).load()

    assert torch.equal(swapped.labels, usual.attributes["digit"].values)
    assert swapped.classes == tuple("0123456789")
    assert list(swapped.attributes) == ["session"]
    assert torch.equal(swapped.attributes["session"].values, usual.labels)


def test_every_session_fills_in_the_same_form() -> None:
    """The 130 digits of the first one in their order, but for a few that are missing."""
    digits = load_digits().target.tolist()
    form = digits[: SESSION_STARTS[1]]

    for start, end in pairwise([*SESSION_STARTS, len(digits)]):
        alike = SequenceMatcher(None, form, digits[start:end], autojunk=False)
        assert alike.ratio() > 0.96
        shifted = SequenceMatcher(None, form, digits[start + 5 : end + 5], autojunk=False)
        assert shifted.ratio() < alike.ratio()
    sessions = Handwriting(HandwritingParams()).load().labels
    starts = [0, *((sessions.diff() != 0).nonzero()[:, 0] + 1).tolist()]
    assert tuple(starts) == SESSION_STARTS


@pytest.mark.parametrize("task", ["session", "digit"])
def test_the_card_tells_what_loading_gives(task: str) -> None:
    """Samples, classes, attributes and their values, without loading."""
    params = HandwritingParams.model_validate({"task": task})

    assert handwriting_card(params) == Handwriting(params).load().card


def test_loading_twice_gives_the_same() -> None:
    """Nothing is drawn at random."""
    one, other = (Handwriting(HandwritingParams()).load() for _ in range(2))

    assert torch.equal(one.inputs, other.inputs)
    assert torch.equal(one.labels, other.labels)


def test_the_manifest_needs_no_torch() -> None:
    """Nor numpy, nor scikit-learn."""
    code = (
        "import sys, safecompress_plugins.data.manifest;"
        "print({'torch', 'numpy', 'sklearn'} & set(sys.modules))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)

    assert told.stdout.strip() == "set()"


def test_the_definition_builds_what_it_names() -> None:
    """Through the registry, as a run does."""
    [definition] = [one for one in DEFINITIONS if one.name == "handwriting"]

    assert isinstance(load_plugins().registry.create(definition.params()), Handwriting)
