"""``safecompress.compare``."""

import json
from pathlib import Path
from typing import Any

import pytest
from sklearn.datasets import load_digits
from torch import nn

from safecompress_core.errors import ExecutionError, SpecError
from safecompress_core.python.compare import compare

CHANGES = {"device": "cpu", "training": {"epochs": 1}, "attackers": [], "gate": []}


@pytest.fixture
def spec(tiny_spec: Path) -> dict[str, Any]:
    """Two seeds of two variants that are not compressed, for speed."""
    entropy = {"type": "entropy", "weight": 0.1}
    return {
        "version": 1,
        "name": "tiny-comparison",
        "base": tiny_spec,
        "seeds": [1, 2],
        "changes": CHANGES,
        "variants": [
            {"method": {"type": "uncompressed"}},
            {
                "name": "uncompressed-re2",
                "method": {"type": "uncompressed", "defences": [entropy]},
            },
        ],
    }


@pytest.mark.usefixtures("forked_workers")
def test_a_comparison_of_a_dictionary_is_done_by_several_processes(
    spec: dict[str, Any], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Each reads the dictionary anew; done again by one, nothing is left to do."""
    result = compare(spec, overrides={"seeds": [3]}, into=tmp_path, workers=2)

    assert result.path == tmp_path / "tiny-comparison"
    assert result.results.failures == ()
    assert result.results.seeds == (3,)
    assert [one.name for one in result.results.variants] == ["uncompressed", "uncompressed-re2"]
    record = json.loads((result.path / "comparison.json").read_text())
    assert record == result.results.to_json()
    assert (record["command"], record["directory"]) == (None, None)
    assert "$" not in (result.path / "comparison.md").read_text()
    assert "It was started from Python" in (result.path / "comparison.html").read_text()
    models = sorted(result.path.rglob("model.safetensors"))
    written = [path.stat().st_mtime_ns for path in models]

    again = compare(spec, overrides=["seeds=[3]"], into=str(tmp_path))

    assert again == result
    assert [path.stat().st_mtime_ns for path in models] == written
    assert capfd.readouterr() == ("", "")


def test_problems_of_every_run_come_before_the_first(spec: dict[str, Any], tmp_path: Path) -> None:
    """Those of a variant at its place in the dictionary."""
    spec["variants"][1]["method"]["defences"] = [{"type": "entrpy"}]

    with pytest.raises(SpecError, match="<dict>: method.defences.0.type: .*'entrpy'"):
        compare(spec, into=tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_objects_are_those_of_all_runs(spec: dict[str, Any], tmp_path: Path) -> None:
    """Instead of what the base names; several workers cannot have them."""
    digits = load_digits()
    spec["variants"].pop()
    spec["changes"] = {**CHANGES, "audit": {"attackers": [{"type": "loss-threshold"}]}}
    given: dict[str, Any] = {"data": (digits.data, digits.target), "model": nn.Linear(64, 10)}

    result = compare(spec, overrides={"seeds": [3]}, into=tmp_path, **given)

    assert result.results.failures == ()
    (record,) = result.path.rglob("spec.resolved.yaml")
    assert record.read_text().count("in-memory") == 2
    with pytest.raises(ExecutionError, match="cannot be brought to the workers"):
        compare(spec, into=tmp_path, workers=2, **given)
