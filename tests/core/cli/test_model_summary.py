"""Output of ``safecompress inspect`` about the model of a spec."""

import json
from pathlib import Path

import pytest

from safecompress_core.cli.model_summary import print_model_summary


def printed(spec: Path, capsys: pytest.CaptureFixture[str], *, as_json: bool) -> str:
    """Standard output."""
    print_model_summary(spec, as_json=as_json, plugins_dir=None, allow_code=False)
    return capsys.readouterr().out


def test_a_person_reads_the_figures_that_json_has(
    tiny_spec: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """64 inputs, 16 hidden units and 14 labels."""
    found = json.loads(printed(tiny_spec, capsys, as_json=True))
    text = printed(tiny_spec, capsys, as_json=False)

    assert found["sparse_weights"] == 64 * 16 + 16 * 14
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert "1,248 of 1,278 parameters may be sparse." in lines
    assert [
        f"{one['name']} {' × '.join(map(str, one['shape']))} {one['weights']:,}" in lines
        for one in found["sparse"]
    ] == [True, True]
    assert "May be sparse" in lines
    assert f"The representation has 16 values; the logits come from {found['head']!r}." in lines
