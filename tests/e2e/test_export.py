"""A run on handwriting, exported to every format that needs no model of Hugging Face."""

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import load_file
from sklearn.metrics import accuracy_score, roc_auc_score
from torch import Tensor

from safecompress import load_classifier
from safecompress_core.cli import cli
from safecompress_core.context.run_context import build_run_context
from safecompress_core.export.verify_export import verify_export
from safecompress_core.results.schema import ExportRecord
from safecompress_core.runs.run import FinishedRun
from safecompress_core.runs.verify import Status

FORMATS = ("onnx", "onnx-int8", "pt2", "safetensors")
AUDIT = {
    "attackers": [
        {"type": "loss-threshold"},
        {"type": "attribute-blackbox", "attribute": "digit"},
        {"type": "boundary", "steps": 3, "queries": 20},
        {"type": "neural-whitebox", "epochs": 1},
    ],
    "allow_selectors": True,
}


@pytest.fixture(scope="module")
def shipped(
    benches: Callable[[Path], Any], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Any, FinishedRun]:
    """A sparse network that has memorised some of its members."""
    bench = benches(tmp_path_factory.mktemp("shipped"))
    return bench, bench.run(
        method={"type": "prune", "density": 0.3},
        training__epochs=20,
        attackers=[],
        audit=AUDIT,
        gate=[],
    )


@pytest.fixture(scope="module")
def audited(shipped: tuple[Any, FinishedRun]) -> tuple[Tensor, Tensor, Tensor]:
    """Inputs, labels and membership of the audit pool."""
    bench, _ = shipped
    context = build_run_context(
        bench.load(
            method={"type": "prune", "density": 0.3},
            training__epochs=20,
            attackers=[],
            audit=AUDIT,
            gate=[],
        ),
        bench.registry,
    )
    pool, data = context.pools.audit, context.dataset
    return data.inputs[pool.indices], data.labels[pool.indices], pool.is_member


@pytest.fixture(scope="module")
def exports(shipped: tuple[Any, FinishedRun]) -> dict[str, tuple[Path, ExportRecord]]:
    """Directory and record of each format."""
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    bench, run = shipped
    found = {}
    for form in FORMATS:
        place = bench.folder / "exports" / form
        command = ["export", str(run.path), "--to", form, "--output", str(place), "--json"]
        outcome = CliRunner().invoke(cli, command)
        assert outcome.exit_code == 0, outcome.stderr
        found[form] = (place, ExportRecord.model_validate(json.loads(outcome.stdout)))
    return found


def answers(form: str, place: Path, model: Path, inputs: Tensor) -> Tensor:
    """What the file itself answers, asked without SafeCompress."""
    if form.startswith("onnx"):
        import onnxruntime

        session = onnxruntime.InferenceSession(
            place / "model.onnx", providers=["CPUExecutionProvider"]
        )
        return torch.from_numpy(session.run(["logits"], {"inputs": inputs.numpy()})[0])
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns of its own deprecated parts
        if form == "pt2":
            logits: Tensor = torch.export.load(place / "model.pt2").module()(inputs)
            return logits
        network = load_classifier(model).module
        for parameter in network.parameters():
            parameter.zero_()
        network.load_state_dict(load_file(place / "model.safetensors"))
        filled: Tensor = network(inputs)
        return filled


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMATS)
def test_figures_are_those_of_the_file(
    form: str,
    exports: dict[str, tuple[Path, ExportRecord]],
    audited: tuple[Tensor, Tensor, Tensor],
    shipped: tuple[Any, FinishedRun],
) -> None:
    """Agreement, difference, accuracy and the AUC of the loss, from the runtime's own answers."""
    place, record = exports[form]
    inputs, labels, is_member = audited
    model = shipped[1].path / "model" / "model.safetensors"
    found = answers(form, place, model, inputs)
    with torch.no_grad():
        wanted = load_classifier(model)(inputs)
    losses = torch.nn.functional.cross_entropy(found.double(), labels, reduction="none")
    agreement, attack = record.agreement, record.attacks["loss-threshold"]
    assert attack.auc is not None

    assert agreement.samples == len(inputs)
    assert agreement.largest_difference == pytest.approx(
        float((found - wanted).abs().max()), abs=1e-5, rel=1e-2
    )
    same = (found.argmax(dim=1) == wanted.argmax(dim=1)).double().mean()
    assert agreement.agreement == pytest.approx(float(same), abs=2 / len(inputs))
    assert record.performance.exported.value == pytest.approx(
        accuracy_score(labels[~is_member], found.argmax(dim=1)[~is_member]), abs=1e-9
    )
    assert attack.auc.exported.value == pytest.approx(roc_auc_score(is_member, -losses), abs=1e-3)
    assert record.file_bytes == sum((place / name).stat().st_size for name in record.files)


@pytest.mark.slow
def test_float_formats_change_nothing_and_int8_a_little(
    exports: dict[str, tuple[Path, ExportRecord]],
) -> None:
    """Each difference lies in its interval; the compressed model is the same in all."""
    records = {form: record for form, (_, record) in exports.items()}
    for form, record in records.items():
        assert set(record.attacks) == {"loss-threshold", "attribute-blackbox", "boundary"}
        assert record.not_repeated == {"neural-whitebox": "parameters"}
        for name, attack in record.attacks.items():
            advantage = attack.advantage
            assert advantage.interval is not None
            low, high = advantage.interval
            assert low <= advantage.difference <= high
            assert advantage.compressed == records["onnx"].attacks[name].advantage.compressed
            if form == "safetensors":
                assert (low, advantage.difference, high) == (0, 0, 0)
    assert records["onnx-int8"].agreement.largest_difference > 1e-3
    assert records["onnx"].agreement.largest_difference < 1e-3


@pytest.mark.slow
def test_an_export_that_was_changed_is_found(
    exports: dict[str, tuple[Path, ExportRecord]],
) -> None:
    """Every format passes as it is, and fails with a byte changed."""
    for place, record in exports.values():
        assert {check.status for check in verify_export(place)} == {Status.OK}
        [name] = record.files
        content = (place / name).read_bytes()
        (place / name).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        damaged = {check.name for check in verify_export(place) if check.status is Status.DAMAGED}
        (place / name).write_bytes(content)

        assert damaged == {name}


@pytest.mark.slow
@pytest.mark.parametrize("form", ["onnx", "onnx-int8", "pt2"])
def test_the_card_loads_the_file_as_it_says(
    form: str,
    exports: dict[str, tuple[Path, ExportRecord]],
    audited: tuple[Tensor, Tensor, Tensor],
    shipped: tuple[Any, FinishedRun],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its lines, run in the directory, give the file's logits."""
    place, _ = exports[form]
    inputs = audited[0][:40]
    card = (place / "README.md").read_text(encoding="utf-8")
    code = card.partition("```python\n")[2].partition("```")[0]
    monkeypatch.chdir(place)
    names: dict[str, Any] = {"inputs": inputs}
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(code, names)  # noqa: S102  what a reader of the card would type
    model = shipped[1].path / "model" / "model.safetensors"

    found = torch.as_tensor(names["logits"])
    torch.testing.assert_close(found, answers(form, place, model, inputs), atol=1e-5, rtol=1e-5)


@pytest.mark.slow
def test_a_guard_ships_in_a_program_and_nowhere_else(
    shipped: tuple[Any, FinishedRun], tmp_path: Path
) -> None:
    """ONNX lacks an operator that the guard needs, and a state dict has no place for it."""
    bench, _ = shipped
    run = bench.run(
        runs="guarded",
        method={"type": "uncompressed", "defences": [{"type": "hamp"}]},
        attackers=[],
        audit={"attackers": [{"type": "loss-threshold"}]},
        gate=[],
    )
    outcomes = {}
    for form in ("pt2", "safetensors", "onnx"):
        command = ["export", str(run.path), "--to", form, "--output", str(tmp_path / form)]
        outcomes[form] = CliRunner().invoke(cli, command)

    assert [outcome.exit_code for outcome in outcomes.values()] == [0, 2, 2]
    assert "cannot carry the output guard of 'hamp'" in outcomes["safetensors"].stderr
    assert "ONNX has no operator for aten.view.dtype" in outcomes["onnx"].stderr
    assert [path.name for path in tmp_path.iterdir()] == ["pt2"]
    card = (tmp_path / "pt2" / "README.md").read_text(encoding="utf-8")
    assert "the output guard of `hamp` is part of the file" in card
