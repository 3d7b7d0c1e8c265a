"""Conformance tests of data sources."""

import json
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor

from safecompress_core.api import DataDef
from safecompress_core.data.dataset import Dataset, DataSource, in_batches
from safecompress_core.preflight.data_checks import check_data
from safecompress_core.testing.manifest import DefinitionConformance

__all__ = ["DataConformance"]


class DataConformance(DefinitionConformance):
    """Subclass it, name your definition, and pytest runs the checks.

    ::

        class TestLedger(DataConformance):
            definition = LEDGER

            def write_files(self, folder):
                (folder / "ledger.txt").write_text(...)
                return {"path": str(folder / "ledger.txt")}

    Attributes:
        definition: the source's definition.
        params: what a spec would write for it.
    """

    definition: ClassVar[DataDef]
    params: ClassVar[Mapping[str, Any]] = {}

    def write_files(self, folder: Path) -> Mapping[str, Any]:
        """Write the files that it reads, and return the parameters that name them."""
        return {}

    def source(self, folder: Path) -> DataSource:
        """A fresh source of the samples in a folder."""
        module, _, name = self.definition.target.partition(":")
        given = {**self.params, **self.write_files(folder)}
        built: DataSource = getattr(import_module(module), name)(
            self.definition.params.model_validate(given)
        )
        return built

    @pytest.fixture
    def data(self, tmp_path: Path) -> Dataset:
        """Its samples."""
        return self.source(tmp_path).load()

    def test_its_samples_have_no_problems(self, data: Dataset) -> None:
        """As many of everything, labels and attributes in range, finite inputs, several labels."""
        # The checks that a run makes, so the kit and runs agree.
        assert list(check_data(data)) == []

    def test_samples_are_of_the_declared_types(self, data: Dataset) -> None:
        """Inputs are float32 of a sample a row; what is known of samples is known of each."""
        # One row is read: inputs may be lazy, and their dtype is known on reading only.
        first = data.inputs[torch.tensor([0])]

        assert first.dtype == torch.float32
        assert first.shape == (1, *data.inputs.shape[1:])
        assert data.inputs.shape[0] == len(data)
        assert len(set(data.classes)) == len(data.classes)
        assert not data.texts or len(data.texts) == len(data)
        for column, dtype in ((data.is_member, torch.bool), (data.groups, torch.int64)):
            assert column is None or (column.dtype, column.shape) == (dtype, (len(data),))
        for name, attribute in data.attributes.items():
            assert attribute.numbers is None or attribute.numbers.shape == (len(data),), name
            assert len(set(attribute.names)) == len(attribute.names), name

    def test_columns_of_the_input_are_where_it_says(self, data: Dataset) -> None:
        """Public features and private attributes share none, and codes are what inputs hold."""
        width = data.inputs.shape[1:].numel()
        columns = [column for held in data.features.values() for column in held]
        # All columns are collected first, since features and attributes may not share any.
        columns += [
            column for attribute in data.attributes.values() for column in attribute.columns
        ]

        assert len(set(columns)) == len(columns)
        assert set(columns) <= set(range(width))
        for name, attribute in data.attributes.items():
            if attribute.codes is not None:
                assert attribute.codes.shape == (len(attribute.names), len(attribute.columns)), name
            # Numeric attributes hold their own values; codes are those of the intervals.
            if attribute.codes is not None and attribute.numbers is None:
                held = data.inputs[torch.arange(len(data))].flatten(1)[:, list(attribute.columns)]
                assert torch.equal(held, attribute.codes[attribute.values]), name

    def test_its_encoder_is_made_again_from_its_record(self, data: Dataset, tmp_path: Path) -> None:
        """Rebuild the encoder from the JSON record that a model file keeps; it has no sample."""
        if data.encoder is None:
            return
        # Through JSON, as the model file stores it: tuples become lists.
        record = json.loads(json.dumps(data.encoder.record))

        assert self.source(tmp_path).encoder(record).record == data.encoder.record

    def test_inputs_are_within_their_bounds(self, data: Dataset) -> None:
        """Check the inputs against the stated bounds, if any."""
        if data.bounds is not None:
            inputs = data.inputs[torch.arange(len(data))]
            low, high = data.bounds

            assert (inputs >= low).all()
            assert (inputs <= high).all()

    def test_some_samples_are_those_of_all(self, data: Dataset) -> None:
        """One at a time, by a view of them, or in batches."""
        whole = data.inputs[torch.arange(len(data))]
        # In reverse, so that a source that ignores the order is found.
        rows = torch.arange(len(data)).flip(0)
        part = data.take(rows)

        assert torch.equal(part.inputs[torch.arange(len(part))], whole[rows])
        assert torch.equal(part.labels, data.labels[rows])
        # Batches of two, since lazy inputs read in batches.
        batches = list(in_batches(data.inputs, rows.split(2)))
        assert torch.equal(torch.cat(batches), whole[rows])

    def test_the_same_parameters_give_the_same_samples(self, tmp_path: Path) -> None:
        """In the same order, whatever state the process is in, which is left alone."""
        loaded = []
        for state in (1, 2):
            with torch.random.fork_rng():
                torch.manual_seed(state)
                source = self.source(tmp_path)
                before = torch.get_rng_state()
                loaded.append(source.load())
                untouched = torch.equal(before, torch.get_rng_state())
            assert untouched, "the source draws from torch's global state"
        first, other = map(_columns, loaded)

        assert loaded[0].classes == loaded[1].classes
        assert loaded[0].texts == loaded[1].texts
        assert first.keys() == other.keys()
        assert all(torch.equal(first[name], other[name]) for name in first)

    def test_the_card_agrees_with_the_loaded_data(self, data: Dataset, tmp_path: Path) -> None:
        """Compare the data card, if any, with the loaded data."""
        if self.definition.card is not None:
            given = {**self.params, **self.write_files(tmp_path)}

            assert self.definition.card(self.definition.params(**given)) == data.card


def _columns(data: Dataset) -> dict[str, Tensor]:
    """Everything that is a tensor, by name."""
    known = {"is_member": data.is_member, "groups": data.groups}
    return {
        "inputs": data.inputs[torch.arange(len(data))],
        "labels": data.labels,
        **{f"attribute {name}": attribute.values for name, attribute in data.attributes.items()},
        **{name: column for name, column in known.items() if column is not None},
    }
