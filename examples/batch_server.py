"""A server that answers many clients with one forward pass at a time.

    safecompress export runs/NAME --to onnx
    python examples/batch_server.py exports/NAME-onnx --port 8000
    curl -d '{"inputs": [[[[0, …]]]]}' http://127.0.0.1:8000/predict

Requests that arrive within a few milliseconds share a batch. Everything is the standard library's,
but for ONNX Runtime; it listens on this machine alone.
"""

import argparse
import json
import queue
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

WAIT = 0.005
"""Seconds that the first request of a batch waits for others."""
LARGEST = 32
"""Requests in a batch."""

Samples = NDArray[np.float32]


class Batcher:
    """Collects samples of several threads, and asks the model about them together.

    Args:
        model: the exported file.

    Attributes:
        sizes: requests in each batch so far.
    """

    def __init__(self, model: Path) -> None:
        self._session = onnxruntime.InferenceSession(model)
        self._waiting: queue.Queue[tuple[Samples, Future[Samples]]] = queue.Queue()
        self.sizes: list[int] = []
        threading.Thread(target=self._work, daemon=True).start()

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of a sample."""
        return tuple(self._session.get_inputs()[0].shape[1:])

    def read(self, inputs: Any) -> Samples:
        """Return nested lists as samples (N, ...).

        Raises:
            ValueError: if they are of another shape, or no numbers.
        """
        samples = np.array(inputs, dtype=np.float32)
        if samples.shape[1:] != self.shape:
            raise ValueError(f"samples have shape {samples.shape[1:]}, and not {self.shape}")
        return samples

    def answer(self, samples: Samples) -> Samples:
        """Return the logits of samples (N, ...), shape (N, classes)."""
        future: Future[Samples] = Future()
        self._waiting.put((samples, future))
        return future.result()

    def _work(self) -> None:
        while True:
            batch = [self._waiting.get()]
            try:
                while len(batch) < LARGEST:
                    batch.append(self._waiting.get(timeout=WAIT))
            except queue.Empty:
                pass  # nobody else has come
            self._answer_together(batch)

    def _answer_together(self, batch: Sequence[tuple[Samples, Future[Samples]]]) -> None:
        self.sizes.append(len(batch))
        ends = np.cumsum([len(samples) for samples, _ in batch])[:-1]
        inputs = np.concatenate([samples for samples, _ in batch])
        [logits] = self._session.run(["logits"], {"inputs": inputs})
        for (_, future), rows in zip(batch, np.split(logits, ends), strict=True):
            future.set_result(rows)


class Server(ThreadingHTTPServer):
    """One thread a client; many may connect at the same time."""

    # The default of 5 refuses clients that come together.
    request_queue_size = 128


def make_server(folder: Path, *, port: int) -> tuple[Server, Batcher]:
    """Return a server of an export, and what answers for it.

    Args:
        folder: of the export.
        port: 0 for any that is free.
    """
    batcher = Batcher(folder / "model.onnx")
    classes = json.loads((folder / "export.json").read_text(encoding="utf-8"))["classes"]

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            """Answer one request."""
            body = self.rfile.read(int(self.headers["Content-Length"]))
            try:
                samples = batcher.read(json.loads(body)["inputs"])
            except (ValueError, KeyError, TypeError) as error:
                self._reply(400, {"error": f"{type(error).__name__}: {error}"})
                return
            logits = batcher.answer(samples)
            self._reply(200, {"labels": [classes[row.argmax()] for row in logits]})

        def _reply(self, status: int, content: Any) -> None:
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Stay silent."""

    return Server(("127.0.0.1", port), Handler), batcher


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--port", type=int, default=8000)
    arguments = parser.parse_args()
    server, _ = make_server(arguments.folder, port=arguments.port)
    print(f"http://127.0.0.1:{server.server_address[1]}/predict")
    server.serve_forever()
