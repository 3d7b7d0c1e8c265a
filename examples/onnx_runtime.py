"""An exported model asked by ONNX Runtime, without torch.

    safecompress export runs/NAME --to onnx
    python examples/onnx_runtime.py exports/NAME-onnx

The samples are scikit-learn's digits, which the data set `handwriting` is made of; other data are
encoded as the run encoded them (`README.md` of the export says the shape).
"""

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from sklearn.datasets import load_digits


def answer(model: Path, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the logits of samples, shape (N, classes)."""
    session = onnxruntime.InferenceSession(model)
    [logits] = session.run(["logits"], {"inputs": inputs})
    return logits  # type: ignore[no-any-return]


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    digits = (load_digits().images[:10, None] / 16).astype(np.float32)
    classes = json.loads((folder / "export.json").read_text(encoding="utf-8"))["classes"]
    for number, logits in enumerate(answer(folder / "model.onnx", digits)):
        print(f"digit {number}: {classes[logits.argmax()]}")
