"""Interface of exporters: what asks a file."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from safecompress_core.errors import StorageError
from safecompress_core.saved_models.exporter import ExportSource, load_answers
from safecompress_core.saved_models.model_format import Format

SAMPLES = torch.rand(6, 3)


def source() -> ExportSource:
    """A linear layer."""
    network = nn.Linear(3, 2).eval()
    return ExportSource(
        network=network,
        module=network,
        factory=None,
        examples=SAMPLES[:2],
        calibration=SAMPLES,
        classes=("a", "b"),
    )


def test_a_written_program_is_asked_about_any_number_of_samples(tmp_path: Path) -> None:
    """By the loader of audits, which reads no pickle."""
    given = source()
    batch: Any = {0: torch.export.Dim.DYNAMIC}
    program = torch.export.export(given.network, (SAMPLES[:2],), dynamic_shapes=(batch,))
    torch.export.save(program, tmp_path / "model.pt2")
    answers = load_answers(tmp_path / "model.pt2", Format.EXPORTED, given)

    assert torch.equal(answers(SAMPLES), given.network(SAMPLES))


def test_a_file_of_another_kind_is_an_error(tmp_path: Path) -> None:
    """With the path."""
    path = tmp_path / "model.pt2"
    path.write_bytes(b"nothing of the kind")

    with pytest.raises(StorageError, match=r"model\.pt2: cannot be loaded as an exported program"):
        load_answers(path, Format.EXPORTED, source())
