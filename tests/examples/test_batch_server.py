"""A server that answers many clients with one forward pass."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import numpy as np
import pytest
from sklearn.datasets import load_digits

onnxruntime = pytest.importorskip("onnxruntime")

EXAMPLE = Path(__file__).parents[2] / "examples" / "batch_server.py"
DIGITS = (load_digits().images[:40, None] / 16).astype(np.float32)


@pytest.fixture
def served(exported: Path) -> Iterator[tuple[str, Any]]:
    """The address of a running server, and what answers for it."""
    spec = spec_from_file_location("batch_server", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    server, batcher = module.make_server(exported, port=0)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/predict", batcher
    server.shutdown()
    thread.join()
    server.server_close()


def ask(address: str, content: Any) -> Any:
    """What the server answers."""
    with urlopen(Request(address, json.dumps(content).encode()), timeout=30) as reply:
        return json.loads(reply.read())


def test_clients_share_batches_and_get_their_own_answers(
    served: tuple[str, Any], exported: Path
) -> None:
    """Forty at once, each with the label that ONNX Runtime gives its digit."""
    address, batcher = served
    session = onnxruntime.InferenceSession(exported / "model.onnx")
    [logits] = session.run(["logits"], {"inputs": DIGITS})
    classes = json.loads((exported / "export.json").read_text())["classes"]

    with ThreadPoolExecutor(40) as clients:
        asked = [{"inputs": digit[None].tolist()} for digit in DIGITS]
        answers = list(clients.map(lambda content: ask(address, content), asked))

    wanted = [{"labels": [classes[label]]} for label in logits.argmax(axis=1)]
    assert answers == wanted
    assert sum(batcher.sizes) == 40


def test_requests_that_wait_together_are_one_batch(served: tuple[str, Any]) -> None:
    """What has come while the model was busy is answered at once."""
    _, batcher = served

    with ThreadPoolExecutor(8) as clients:
        list(clients.map(lambda digit: batcher.answer(digit[None]), np.repeat(DIGITS[:8], 8, 0)))

    assert sum(batcher.sizes) == 64
    assert len(batcher.sizes) < 64


@pytest.mark.parametrize("content", [{"inputs": [[1, 2]]}, {"samples": []}, [], {"inputs": "a"}])
def test_bad_requests_are_refused_with_the_reason(served: tuple[str, Any], content: Any) -> None:
    """The server goes on."""
    address, _ = served

    with pytest.raises(HTTPError) as error:
        ask(address, content)
    assert error.value.code == 400
    assert "error" in json.loads(error.value.read())
    assert len(ask(address, {"inputs": DIGITS[:2].tolist()})["labels"]) == 2
