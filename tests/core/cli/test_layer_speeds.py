"""``safecompress inspect --speed``."""

import json
from pathlib import Path

from click.testing import CliRunner, Result

from safecompress_core.cli import cli
from safecompress_core.saved_models.storage import load_model


def inspected(*arguments: object) -> Result:
    """The outcome of ``safecompress inspect``."""
    return CliRunner().invoke(cli, ["inspect", *map(str, arguments)])


def test_a_run_shows_each_layer_of_its_model(finished_run: Path) -> None:
    """Dense or with sparse rows, whichever was faster; the numbers belong together."""
    found = json.loads(inspected(finished_run, "--speed", 8, "--json").stdout)

    weights = load_model(finished_run / "model" / "model.safetensors").state
    assert (found["batch"], found["threads"]) == (8, 1)
    assert [f"{layer['name']}.weight" for layer in found["layers"]] == [
        name for name, tensor in weights.items() if tensor.ndim == 2
    ]
    for layer in found["layers"]:
        assert layer["dense_seconds"] > 0
        is_faster = (
            layer["csr_seconds"] is not None and layer["csr_seconds"] < layer["dense_seconds"]
        )
        assert layer["chosen"] == ("csr" if is_faster else "dense")
    assert 0 < found["fastest_seconds"] <= found["seconds"]


def test_a_table_ends_with_the_whole_model(finished_run: Path) -> None:
    """In milliseconds."""
    shown = " ".join(
        inspected(finished_run / "model" / "model.safetensors", "--speed", 1).stdout.split()
    )

    assert "Milliseconds for 1 sample on 1 thread" in shown
    assert "The whole model: " in shown


def test_a_spec_has_nothing_to_measure(tmp_path: Path) -> None:
    """It is a wrong use of the command."""
    (tmp_path / "a.yaml").write_text("version: 1")

    outcome = inspected(tmp_path / "a.yaml", "--speed", 1)

    assert outcome.exit_code == 2
    assert "a spec has no weights to measure" in outcome.stderr
