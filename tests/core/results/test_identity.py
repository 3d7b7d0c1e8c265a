"""Inputs of a result outside its spec, and the message about a changed one."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from safecompress_core.api import DataPath, Params
from safecompress_core.context.cache_keys import content_key
from safecompress_core.context.run_context import build_run_context
from safecompress_core.data.dataset import Attribute, Dataset
from safecompress_core.data.pools import SamplePools, build_pools
from safecompress_core.errors import RunDirectoryError
from safecompress_core.host import load_plugins
from safecompress_core.results.directory import RunDirectory
from safecompress_core.results.identity import identity_of_data, require_same_identity
from safecompress_core.specfile.load import load_spec


class Source(Params):
    path: DataPath = "people.csv"


def pools_of(data: Dataset) -> SamplePools:
    """Half of the samples as members."""
    return build_pools(
        data.labels,
        members=0.5,
        attack_train=0.4,
        select=0.3,
        audit=0.3,
        generator=torch.Generator().manual_seed(0),
    )


def changed(digits: Dataset) -> dict[str, Dataset]:
    """The same data with one thing changed, by what the identity calls it."""
    bold = digits.attributes["bold"]
    inputs = torch.as_tensor(digits.inputs).clone()
    inputs[7, 0] += 1
    return {
        "the samples of task.data (people.csv)": replace(digits, inputs=inputs),
        "the label names": replace(digits, classes=tuple("1023456789")),
        "the values of attribute 'bold'": replace(
            digits, attributes={"bold": Attribute(bold.values, ("yes", "no"))}
        ),
        "the public features": replace(digits, features={"corner": (0,)}),
        "the bounds of the inputs": replace(digits, bounds=(torch.zeros(()), torch.ones(()))),
    }


@pytest.mark.parametrize(
    "name",
    [
        "the samples of task.data (people.csv)",
        "the label names",
        "the values of attribute 'bold'",
        "the public features",
        "the bounds of the inputs",
    ],
)
def test_each_part_of_the_data_is_told_apart(digits: Dataset, name: str) -> None:
    """By names and not by samples alone: 'yes' for 'no' is another private attribute."""
    pools = pools_of(digits)
    before = identity_of_data(digits, pools, Source())
    after = identity_of_data(changed(digits)[name], pools, Source())

    assert {one for one in before if before[one] != after[one]} == {name}


def test_samples_that_only_a_defence_sees_count(digits: Dataset) -> None:
    """Those of ``pools.reference`` are in no pool."""
    pools = pools_of(digits).with_reference(0.5, generator=torch.Generator().manual_seed(1))
    assert pools.reference is not None
    inputs = torch.as_tensor(digits.inputs).clone()
    inputs[pools.reference[0]] += 1
    other = replace(digits, inputs=inputs)

    assert pools.fingerprints(digits) == pools.fingerprints(other)
    assert identity_of_data(digits, pools, Source()) != identity_of_data(other, pools, Source())


def test_a_run_goes_on_with_the_identity_that_it_began_with(tmp_path: Path) -> None:
    """And is refused with any other; the message names what has changed, is new or is gone."""
    with RunDirectory(tmp_path) as directory:
        require_same_identity({"the samples": "1", "net.py": "2", "old.py": "3"}, directory)
        require_same_identity({"the samples": "1", "net.py": "2", "old.py": "3"}, directory)
        with pytest.raises(RunDirectoryError) as caught:
            require_same_identity({"the samples": "1", "net.py": "9", "new.py": "3"}, directory)

    assert "changed since this run began: net.py, old.py is gone, new.py is new;" in str(
        caught.value
    )
    assert "--set name=" in str(caught.value)


def test_results_of_nobody_knows_what_are_not_shown(tmp_path: Path) -> None:
    """Without the record, the inputs of the results are unknown."""
    (tmp_path / "results.json").write_text("{}")

    with (
        RunDirectory(tmp_path) as directory,
        pytest.raises(RunDirectoryError, match="identity.json is not"),
    ):
        require_same_identity({"the samples": "1"}, directory)


def test_the_shared_training_of_a_comparison_follows_its_code(tmp_path: Path) -> None:
    """A key of the cache covers the code of the model, not its name alone."""
    code = """
from torch import nn


def make(*, input_shape, classes, generator):
    return nn.Sequential(nn.Flatten(), nn.Linear(64, classes))
"""
    (tmp_path / "keyed_net.py").write_text(code)
    model = {"type": "python", "factory": "keyed_net:make", "folder": str(tmp_path)}
    spec = {
        "version": 1,
        "name": "keyed",
        "task": {"data": {"type": "handwriting"}, "model": model},
        "method": {"type": "uncompressed"},
    }
    (tmp_path / "spec.yaml").write_text(json.dumps(spec))
    registry = load_plugins().registry
    loaded = load_spec(tmp_path / "spec.yaml", registry=registry, allow_code=True)

    def key() -> str:
        run_context = build_run_context(loaded, registry)
        # samples are hashed as a network takes them, and these few bytes of code make none
        vars(run_context)["data_identity"] = {}
        return content_key(run_context, method={"type": "uncompressed"})

    before = key()
    assert key() == before
    (tmp_path / "keyed_net.py").write_text(f"{code}# another")

    assert key() != before


def test_the_record_is_plain_json(tmp_path: Path) -> None:
    """Names and hashes can be compared without SafeCompress."""
    with RunDirectory(tmp_path) as directory:
        require_same_identity({"net.py": "2"}, directory)

    assert json.loads((tmp_path / "identity.json").read_text()) == {"net.py": "2"}
