"""A digit in a browser, and the model's answer, with nothing from elsewhere."""

import functools
import html
import json
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits

onnxruntime = pytest.importorskip("onnxruntime")

WEB = Path(__file__).parents[2] / "examples" / "web"
BROWSER = next(
    filter(None, map(shutil.which, ("chromium-headless-shell", "chromium", "google-chrome"))), None
)
RUNTIME = Path(os.environ.get("ONNXRUNTIME_WEB", WEB / "node_modules" / "onnxruntime-web"))

pytestmark = [
    pytest.mark.skipif(BROWSER is None, reason="there is no Chromium"),
    pytest.mark.skipif(
        not RUNTIME.is_dir(),
        reason="onnxruntime-web is not installed: npm install onnxruntime-web in examples/web",
    ),
]


class Quiet(SimpleHTTPRequestHandler):
    """Serves files, and says nothing."""

    def log_message(self, *_: Any) -> None:
        """Stay silent."""


@pytest.fixture
def address(exported: Path, tmp_path: Path) -> Iterator[str]:
    """Of the page, next to the model and the runtime."""
    site = tmp_path / "site"
    shutil.copytree(WEB, site, ignore=shutil.ignore_patterns("node_modules", "model"))
    shutil.copytree(exported, site / "model")
    (site / "node_modules").mkdir()
    (site / "node_modules" / "onnxruntime-web").symlink_to(RUNTIME)
    handler = functools.partial(Quiet, directory=str(site))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/index.html"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("number", [0, 7])
def test_a_drawn_digit_is_recognised(address: str, exported: Path, number: int) -> None:
    """As ONNX Runtime in Python recognises it; no other address can be reached."""
    image = load_digits().images[number]
    session = onnxruntime.InferenceSession(exported / "model.onnx")
    inputs = (image[None, None] / 16).astype(np.float32)
    [logits] = session.run(["logits"], {"inputs": inputs})
    classes = json.loads((exported / "export.json").read_text())["classes"]
    values = ",".join(str(int(value)) for value in image.ravel())

    assert BROWSER is not None
    page = subprocess.run(
        [
            BROWSER,
            "--no-sandbox",
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            "--virtual-time-budget=30000",
            "--dump-dom",
            f"{address}#{values}",
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    ).stdout

    found = re.search(r'<output id="answer" data-state="(\w+)">([^<]*)<', page)
    assert found is not None, page
    assert found[1] == "done"
    assert html.unescape(found[2]) == classes[int(logits.argmax())]
