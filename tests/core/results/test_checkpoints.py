"""Checkpoints: complete or absent."""

from pathlib import Path

import pytest
import torch

from safecompress_core.errors import RunDirectoryError
from safecompress_core.results import checkpoints as module
from safecompress_core.results.checkpoints import Checkpoints


def test_what_is_kept_comes_back(tmp_path: Path) -> None:
    """Records and tensors of every model, in order and with their types."""
    shared = torch.arange(6.0)
    models = [
        {"a": torch.tensor([0.1, -0.0, float("nan")]), "mask": torch.tensor([True, False])},
        {"tied": shared, "too": shared, "step": torch.tensor(3)},
    ]
    places = Checkpoints(tmp_path / "deep" / "folder")

    places.save("round-1", {"rounds": [1, 2]}, models)
    found = places.load("round-1")

    assert found is not None
    record, tensors = found
    assert record == {"rounds": [1, 2]}
    assert [list(one) for one in tensors] == [["a", "mask"], ["step", "tied", "too"]]
    for kept, original in zip(tensors, models, strict=True):
        for name, tensor in kept.items():
            assert tensor.dtype == original[name].dtype
            assert tensor.numpy().tobytes() == original[name].numpy().tobytes()


def test_without_its_record_a_checkpoint_does_not_exist(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The record is written last, so a kill between the models leaves nothing to be loaded."""
    places, original = Checkpoints(tmp_path), module.write_bytes

    def killed_at_the_second(path: Path, content: bytes) -> None:
        if path.name == "1.safetensors":
            raise KeyboardInterrupt
        original(path, content)

    monkeypatch.setattr(module, "write_bytes", killed_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        places.save("round-1", {}, [{"a": torch.ones(2)}, {"a": torch.zeros(2)}])

    assert (tmp_path / "round-1" / "0.safetensors").exists()
    assert places.load("round-1") is None


def test_a_dropped_checkpoint_is_gone_and_a_missing_one_is_no_trouble(tmp_path: Path) -> None:
    """Others stay."""
    places = Checkpoints(tmp_path)
    places.save("one", {"a": 1}, [])
    places.save("two", {"a": 2}, [])

    places.drop("one")
    places.drop("never-there")

    assert places.load("one") is None
    assert places.load("two") == ({"a": 2}, [])


def test_saving_again_replaces(tmp_path: Path) -> None:
    """With fewer models, those that are left over are not read."""
    places = Checkpoints(tmp_path)
    places.save("one", {}, [{"a": torch.ones(1)}, {"a": torch.ones(1)}])
    places.save("one", {}, [{"a": torch.zeros(1)}])

    found = places.load("one")

    assert found is not None
    assert [model["a"].item() for model in found[1]] == [0.0]


def test_a_stop_does_not_make_the_clock_begin_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Time counts up to what was kept; what a stop has lost does not, nor the time in between."""
    now = 1000.0
    monkeypatch.setattr(module.time, "perf_counter", lambda: now)
    monkeypatch.setattr(module.time, "process_time", lambda: 2 * now)
    first = Checkpoints(tmp_path)
    now += 30
    first.save("one", {}, [])
    now += 500
    second = Checkpoints(tmp_path)
    now += 2
    second.load("one")
    now += 10

    assert (second.seconds, second.cpu_seconds) == (40, 80)
    second.save("two", {}, [])
    third = Checkpoints(tmp_path)
    third.load("two")
    assert (third.seconds, third.cpu_seconds) == (40, 80)


def test_a_damaged_checkpoint_is_named_with_what_to_do(tmp_path: Path) -> None:
    """The hint is to remove it: the unit is then trained again."""
    places = Checkpoints(tmp_path)
    places.save("one", {}, [{"a": torch.ones(2)}])
    path = tmp_path / "one" / "0.safetensors"
    path.write_bytes(path.read_bytes()[:-1])

    with pytest.raises(RunDirectoryError, match=r"one/0\.safetensors: cannot be read: .*; remove"):
        places.load("one")


def test_some_models_of_a_checkpoint_are_read_without_the_others(tmp_path: Path) -> None:
    """The files of the others may be elsewhere."""
    places = Checkpoints(tmp_path)
    places.save("round-1", {"a": 1}, [{"x": torch.tensor([float(n)])} for n in range(4)])
    (tmp_path / "round-1" / "0.safetensors").unlink()

    kept = places.load("round-1", models=range(2, 4))

    assert kept is not None
    assert kept[0] == {"a": 1}
    assert [float(model["x"]) for model in kept[1]] == [2.0, 3.0]
