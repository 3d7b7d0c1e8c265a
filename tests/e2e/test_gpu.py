"""Runs on a CUDA device."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner

from safecompress_core.cli import cli
from safecompress_core.training.precision import has_fast_bfloat16

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.slow,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no CUDA device"),
]

DEFAULT = Path(__file__).parents[2] / "specs" / "multi_attack.yaml"
SHORT = ["--set", "training.epochs=8", "--set", "method.rounds=2", "--set", "gate=[]"]


def run(folder: Path, *options: str) -> tuple[dict[str, Any], Path]:
    """Run the default spec, shortened, on the GPU; its results and its directory."""
    arguments = ["run", str(DEFAULT), *SHORT, "--device", "cuda", "--runs-dir", str(folder)]
    done = CliRunner().invoke(cli, [*arguments, *options, "--json"])
    assert done.exit_code == 0, done.stderr
    [directory] = folder.iterdir()
    return json.loads(done.stdout), directory


def test_the_default_spec_runs_and_gives_the_same_bytes_again(tmp_path: Path) -> None:
    """Algorithms are deterministic on a GPU as well."""
    first, one = run(tmp_path / "one")
    second, two = run(tmp_path / "two")

    model = Path("model") / "model.safetensors"
    assert (one / model).read_bytes() == (two / model).read_bytes()
    assert first["metrics"] == second["metrics"]
    assert json.loads((one / "environment.json").read_text())["device"].startswith("cuda")


def test_half_precision_trains_to_about_the_same_accuracy(tmp_path: Path) -> None:
    """bfloat16, where the device has it in hardware, is for training alone."""
    if not has_fast_bfloat16(torch.device("cuda")):
        pytest.skip("the device does not multiply bfloat16 in hardware")
    plain, _ = run(tmp_path / "plain", "--set", "training.precision=float32")
    half, directory = run(tmp_path / "half", "--set", "training.precision=bfloat16")

    environment = json.loads((directory / "environment.json").read_text())
    assert environment["training"]["precision"] == "bfloat16"
    first, second = (one["metrics"]["accuracy"]["value"] for one in (plain, half))
    assert abs(first - second) < 0.15
