"""Golden runs: the short specs of ``golden/``, run at two commits and compared to the last bit.

    python benchmarks/golden_runs.py BASE [HEAD] [--ignore PATTERN]...

A refactoring leaves every result as it is, and this script shows it: it extracts both commits into
a temporary folder, runs each spec there with this interpreter, and compares the stored models by
their bytes and ``results.json`` by its values, all but durations (``seconds``). It prints the path
and both values of every difference. Exit code: 0 if there is none, 1 if there is one, 2 if a commit
could not be run. Two cores take a minute.

- No result is committed, because rounding depends on the processor: both commits run here.
- HEAD is the last commit by default. ``$(git stash create)`` names the uncommitted changes as well.
- Only the command line is used (``safecompress run`` and ``audit``), so modules may move.
- A commit runs its own copy of a spec if it has one, else the copy next to this script. So a commit
  may rename the keys of a spec: it changes its copy, and BASE keeps the old one.
- ``--ignore`` names a field that a commit renames on purpose: an ``fnmatch`` pattern for the path,
  where ``*`` also matches dots. What the field contains is ignored with it. For example
  ``--ignore 'audit.*.auc' --ignore '*.safetensors.metadata' --ignore '*.safetensors.sha256'``.
"""

import argparse
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatchcase
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F

HERE = Path(__file__).resolve().parent
TABLE, MODEL = "people.csv", "foreign.safetensors"
COMMANDS: Mapping[str, Sequence[str]] = {
    "test_driven.yaml": ["run"],
    "comparison_method.yaml": ["run"],
    "foreign_model.yaml": ["audit", MODEL, "--spec"],
}
DURATIONS = ("seconds",)
MISSING = object()

# An installed SafeCompress must not run in place of the commit's: both have the same module names.
LAUNCHER = """
import importlib, sys
_, tree, module, function, *arguments = sys.argv
entry = importlib.import_module(module)
if not entry.__file__.startswith(tree):
    sys.exit(f"{module} was imported from {entry.__file__}, not from {tree}")
sys.argv = ["safecompress", *arguments]
sys.exit(getattr(entry, function)())
"""


class RunFailedError(Exception):
    """A spec could not be run at a commit."""


def extract(revision: str, tree: Path) -> None:
    """Write the files of a commit to ``tree``, with the metadata of an installed distribution.

    SafeCompress finds its plugins by entry points, which only a distribution has.

    Raises:
        RunFailedError: if git has no such commit.
    """
    archive = subprocess.run(
        ["git", "-C", str(HERE.parent), "archive", revision], check=False, capture_output=True
    )
    if archive.returncode:
        raise RunFailedError(f"git has no commit {revision!r}:\n{archive.stderr.decode()}")
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
        files.extractall(tree, filter="data")
    project = tomllib.loads((tree / "pyproject.toml").read_text("utf-8"))["project"]
    metadata = tree / f"{project['name']}-{project['version']}.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n", "utf-8"
    )
    points = [
        f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in entries.items())
        for group, entries in project["entry-points"].items()
    ]
    (metadata / "entry_points.txt").write_text("\n".join(points), "utf-8")


def write_foreign_model(folder: Path) -> None:
    """Write a table of 600 people and a perceptron that plain torch has trained on half of them."""
    generator = np.random.default_rng(18)
    inputs = generator.normal(size=(600, 6))
    inputs = (inputs - inputs.mean(axis=0)) / inputs.std(axis=0)
    labels = np.argmax(inputs[:, :3] + generator.normal(size=(600, 3)), axis=1)
    groups = (inputs[:, 3] + generator.normal(size=600) > 0).astype(int)
    is_member = generator.permutation(600) < 300
    lines = ["a,b,c,d,e,f,label,group,member"] + [
        ",".join([*map(repr, row.tolist()), f"label{label}", f"group{group}", str(member)])
        for row, label, group, member in zip(inputs, labels, groups, is_member, strict=True)
    ]
    (folder / TABLE).write_text("\n".join(lines) + "\n", "utf-8")

    torch.manual_seed(18)
    network = nn.Sequential(nn.Flatten(), nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 3))
    optimizer = torch.optim.Adam(network.parameters(), lr=0.02)
    features = torch.tensor(inputs[is_member], dtype=torch.float32)
    targets = torch.tensor(labels[is_member])
    for _ in range(300):
        optimizer.zero_grad()
        F.cross_entropy(network(features), targets).backward()
        optimizer.step()
    save_file(network.state_dict(), folder / MODEL)


def run_spec(spec: str, tree: Path, folder: Path) -> dict[str, Any]:
    """Run a spec with the code in ``tree``, and return what it has left behind.

    Args:
        spec: the name of a file in ``golden``.
        tree: an extracted commit.
        folder: where the command is started; it has the foreign model and its table.

    Raises:
        RunFailedError: if the command leaves no results; with its output.
    """
    copies = [tree / "benchmarks" / "golden" / spec, HERE / "golden" / spec]
    project = tomllib.loads((tree / "pyproject.toml").read_text("utf-8"))["project"]
    entry = project["scripts"]["safecompress"].split(":")
    runs = folder / Path(spec).stem
    command = [*COMMANDS[spec], str(next(copy for copy in copies if copy.exists()))]
    done = subprocess.run(
        [sys.executable, "-c", LAUNCHER, str(tree), *entry, *command, "--runs-dir", str(runs)],
        check=False,  # a missed gate is a result
        capture_output=True,
        text=True,
        cwd=folder,
        env={
            **os.environ,
            "OMP_NUM_THREADS": "1",
            "PYTHONPATH": os.pathsep.join([str(tree), str(tree / "plugins")]),
            "SAFECOMPRESS_PLUGINS": "",  # third-party plugins may not load at both commits
        },
    )
    found = list(runs.glob("*/results.json"))
    if done.returncode not in {0, 1} or len(found) != 1:
        raise RunFailedError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return read_run(found[0].parent)


def read_run(directory: Path) -> dict[str, Any]:
    """Read ``results.json`` of a run, and every stored model by its path in the run's directory."""
    models = {
        path.relative_to(directory).as_posix(): describe_model(path.read_bytes())
        for path in sorted(directory.rglob("*.safetensors"))
    }
    stored = {path: model for path, model in models.items() if not path.startswith("checkpoints/")}
    return json.loads((directory / "results.json").read_text("utf-8")) | stored


def describe_model(content: bytes) -> dict[str, Any]:
    """Return the hashes of a safetensors file and of each tensor in it, and its metadata."""
    start = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:start])
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        first, last = (start + offset for offset in entry["data_offsets"])
        digest = hashlib.sha256(content[first:last]).hexdigest()
        tensors[name] = f"{entry['dtype']} {entry['shape']} sha256:{digest}"
    return {
        "sha256": hashlib.sha256(content).hexdigest(),
        "metadata": metadata,
        "tensors": tensors,
    }


def differences(
    base: Any, head: Any, *, ignored: Sequence[str], path: str = ""
) -> Iterator[tuple[str, Any, Any]]:
    """Yield path and both values wherever two JSON values differ; ``MISSING`` where one has none.

    >>> base = {"auc": [0.5, 0.7], "seconds": {"total": 1.0}}
    >>> head = {"auc": [0.5, 0.8], "seconds": {"total": 2.0}}
    >>> list(differences(base, head, ignored=["seconds"]))
    [('auc.1', 0.7, 0.8)]
    """
    if any(fnmatchcase(path, pattern) for pattern in ignored):
        return
    if isinstance(base, list) and isinstance(head, list):
        base, head = dict(enumerate(base)), dict(enumerate(head))
    if isinstance(base, dict) and isinstance(head, dict):
        for key in base | head:
            yield from differences(
                base.get(key, MISSING),
                head.get(key, MISSING),
                ignored=ignored,
                path=f"{path}.{key}" if path else str(key),
            )
    elif formatted(base) != formatted(head):
        yield path, base, head


def formatted(value: Any) -> str:
    """Return a value as canonical JSON, which tells 1 from 1.0 and has NaN equal to itself."""
    return "missing" if value is MISSING else json.dumps(value, sort_keys=True, ensure_ascii=False)


def run_commit(revision: str, folder: Path) -> dict[str, Any]:
    """Run all specs at a commit; ``folder`` has the foreign model."""
    extract(revision, folder / "tree")
    return {spec: run_spec(spec, folder / "tree", folder) for spec in COMMANDS}


def main() -> int:
    """Compare two commits; see the module's docstring."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("base")
    parser.add_argument("head", nargs="?", default="HEAD")
    parser.add_argument("--ignore", action="append", default=[], metavar="PATTERN")
    options = parser.parse_args()
    with TemporaryDirectory() as temporary, ThreadPoolExecutor() as pool:
        folders = [Path(temporary).resolve() / side for side in ("base", "head")]
        for folder in folders:
            (folder / "tree").mkdir(parents=True)
            write_foreign_model(folder)
        try:
            base, head = pool.map(run_commit, [options.base, options.head], folders)
        except RunFailedError as error:
            print(error, file=sys.stderr)
            return 2
    count = 0
    for spec in COMMANDS:
        found = list(differences(base[spec], head[spec], ignored=[*DURATIONS, *options.ignore]))
        count += len(found)
        print(f"{spec}: {len(found)} differences" if found else f"{spec}: equal")
        for path, before, after in found:
            print(f"  {path}: {formatted(before)} -> {formatted(after)}")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
