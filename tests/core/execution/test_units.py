"""Units of work and the errors that they raise in other processes."""

import pickle
import pickletools
from pathlib import Path
from types import ModuleType

import pytest

from safecompress_core.errors import SafeCompressError, TrainingDivergedError
from safecompress_core.execution.units import Unit, do_unit, is_out_of_memory


def test_a_description_is_small_and_names_classes_alone(
    stand_ins: ModuleType, tmp_path: Path
) -> None:
    """What is sent has the class's name and plain values: no code."""
    unit = stand_ins.Writes(label="a", folder=tmp_path, name="a", text="b")

    sent = pickle.dumps(unit)

    named = {argument for _, argument, _ in pickletools.genops(sent) if isinstance(argument, str)}
    assert "Writes" in named
    assert not any("def " in text or "lambda" in text for text in named)
    assert len(sent) < 1000
    assert pickle.loads(sent) == unit  # noqa: S301


def test_a_unit_without_a_mark_is_none() -> None:
    """Nothing would say that it is done."""
    with pytest.raises(TypeError, match="abstract"):
        Unit(label="a", folder=Path())  # type: ignore[abstract]


def test_an_error_goes_on_as_it_is_where_a_pipe_can_carry_it(
    stand_ins: ModuleType, tmp_path: Path
) -> None:
    """Of whatever class; the caller may handle that class."""
    unit = stand_ins.Raises(label="the first", folder=tmp_path, name="a", kind="value")

    with pytest.raises(ValueError, match="^this unit cannot be done$"):
        do_unit(unit)


def test_an_error_that_no_pipe_can_carry_is_told_in_words(
    stand_ins: ModuleType, tmp_path: Path
) -> None:
    """One whose class takes more than a message would break the pipe."""
    unit = stand_ins.Raises(label="the first", folder=tmp_path, name="a", kind="two")

    with pytest.raises(SafeCompressError, match=r"^the first: TwoArgumentsError\('a b'\)$"):
        do_unit(unit)


def test_too_little_memory_is_an_error_with_advice(stand_ins: ModuleType, tmp_path: Path) -> None:
    """It names the unit."""
    unit = stand_ins.Raises(label="the first", folder=tmp_path, name="a", kind="memory")

    with pytest.raises(SafeCompressError, match="the first: memory is not enough .* --workers"):
        do_unit(unit)


def test_an_accelerator_runs_out_of_memory_by_an_error_of_its_own() -> None:
    """Torch's is a RuntimeError; one of training is not taken for it."""
    import torch

    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory"))
    assert not is_out_of_memory(TrainingDivergedError("memory of a good loss"))
