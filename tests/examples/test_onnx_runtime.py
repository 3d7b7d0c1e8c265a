"""An exported model asked by ONNX Runtime alone."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from safecompress import load_classifier

pytest.importorskip("onnxruntime")

EXAMPLE = Path(__file__).parents[2] / "examples" / "onnx_runtime.py"


def test_it_prints_what_the_model_answers(exported: Path) -> None:
    """A line a digit, with the label that the run's own model gives it."""
    record = json.loads((exported / "export.json").read_text())
    run = exported.parent / "runs" / record["run"]
    digits = torch.from_numpy((load_digits().images[:10, None] / 16).astype(np.float32))
    with torch.no_grad():
        labels = load_classifier(run / record["model"])(digits).argmax(dim=1).tolist()

    outcome = subprocess.run(
        [sys.executable, str(EXAMPLE), str(exported)], capture_output=True, text=True, check=True
    )

    assert outcome.stdout.splitlines() == [
        f"digit {number}: {record['classes'][label]}" for number, label in enumerate(labels)
    ]
    assert "import torch" not in EXAMPLE.read_text(encoding="utf-8")
