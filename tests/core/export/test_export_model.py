"""Export of a model: written, measured and described, or not there at all."""

import json
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file, save_file

from safecompress_core.api import ExporterParams
from safecompress_core.errors import ExportCheckError, ExportError
from safecompress_core.export.export_model import FinishedExport, export_model
from safecompress_core.export.run_model import RunModel
from safecompress_core.host import Registry
from safecompress_core.results.checksums import read_hashes, sha256
from safecompress_core.specfile.single_component import load_exporter
from safecompress_plugins.exporters.dense_tensors import DenseTensors


def params(registry: Registry, name: str = "safetensors", *overrides: str) -> ExporterParams:
    """Parameters as the command reads them."""
    return load_exporter(name, overrides=overrides, registry=registry)


@pytest.fixture(scope="module")
def exported(
    run_model: RunModel, registry: Registry, tmp_path_factory: pytest.TempPathFactory
) -> FinishedExport:
    """Dense tensors of the tiny run."""
    place = tmp_path_factory.mktemp("exported") / "tiny"
    return export_model(run_model, params(registry), registry, output=place)


def test_an_export_has_model_record_card_and_hashes(exported: FinishedExport) -> None:
    """Each file is recorded, and readable by those who may read the folder."""
    names = {path.name for path in exported.path.iterdir()}
    record = json.loads((exported.path / "export.json").read_text())

    assert names == {"model.safetensors", "export.json", "README.md", "SHA256SUMS"}
    assert read_hashes(exported.path).keys() == names - {"SHA256SUMS"}
    assert record == exported.record.to_json()
    assert record["files"] == {"model.safetensors": sha256(exported.path / "model.safetensors")}
    modes = {path.stat().st_mode & 0o777 for path in exported.path.iterdir()}
    assert len(modes) == 1


def test_figures_are_those_of_the_file(exported: FinishedExport, run_model: RunModel) -> None:
    """Bytes, multiply-accumulates of the two layers, and a latency for each batch."""
    record, state = exported.record, load_file(exported.path / "model.safetensors")
    weights = [tensor for tensor in state.values() if tensor.ndim == 2]

    assert record.file_bytes == (exported.path / "model.safetensors").stat().st_size
    assert record.compressed_bytes == run_model.file.stat().st_size
    assert record.macs == sum(weight.numel() for weight in weights)
    assert [one.batch for one in record.latency] == [1, 32]
    assert all(0 < one.median <= one.p95 for one in (*record.latency, *record.torch_latency))
    assert record.agreement.largest_difference == 0
    assert record.not_repeated == {"probe-mlp": "parameters"}


def test_an_output_that_exists_is_refused(
    run_model: RunModel, registry: Registry, place: Path
) -> None:
    """Also a broken link; nothing in it changes."""
    place.mkdir(parents=True)
    (place / "mine").write_text("mine")
    link = place.with_name("link")
    link.symlink_to(place / "nowhere")

    for taken in (place, link):
        with pytest.raises(ExportError, match="exists; remove it"):
            export_model(run_model, params(registry), registry, output=taken)
    assert [path.name for path in place.iterdir()] == ["mine"]


def test_a_guard_that_the_format_cannot_carry_is_refused(
    run_model: RunModel, registry: Registry, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything is written."""
    monkeypatch.setattr(RunModel, "guard", "hamp")

    with pytest.raises(ExportError, match="safetensors cannot carry the output guard of 'hamp'"):
        export_model(run_model, params(registry), registry, output=place)
    assert not place.parent.exists()


def test_rounded_inputs_that_the_format_cannot_carry_are_refused(
    run_model: RunModel, registry: Registry, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Weights alone would be another model."""
    monkeypatch.setattr(RunModel, "rounded_layers", ("1", "3"))

    with pytest.raises(ExportError, match="cannot carry the rounding of the inputs of 1 and 3"):
        export_model(run_model, params(registry), registry, output=place)
    assert not place.parent.exists()


def test_a_file_that_answers_otherwise_is_not_kept(
    run_model: RunModel, registry: Registry, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error says by how much; attacks on such a file say nothing, and are not run."""
    write = DenseTensors.write

    def damaged(self: Any, source: Any, path: Path) -> None:
        write(self, source, path)
        state = load_file(path)
        save_file({name: tensor + 0.01 for name, tensor in state.items()}, path)

    monkeypatch.setattr(DenseTensors, "write", damaged)
    with pytest.raises(
        ExportCheckError, match=r"a logit differs by .*, and tolerance is 1e-06"
    ) as e:
        export_model(run_model, params(registry), registry, output=place)

    assert not e.value.record.agreement.passed
    assert e.value.record.attacks == {}
    assert list(place.parent.iterdir()) == []


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_file_that_answers_with_no_number_is_not_kept(
    value: float,
    run_model: RunModel,
    registry: Registry,
    place: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One weight of a file that was damaged while it was written; there are no figures."""
    write = DenseTensors.write

    def damaged(self: Any, source: Any, path: Path) -> None:
        write(self, source, path)
        state = load_file(path)
        next(iter(state.values())).view(-1)[0] = value
        save_file(state, path)

    monkeypatch.setattr(DenseTensors, "write", damaged)
    with pytest.raises(
        ExportCheckError, match=r"the safetensors file answers with NaN or infinity: .* not finite"
    ) as e:
        export_model(run_model, params(registry), registry, output=place)

    assert e.value.record is None
    assert list(place.parent.iterdir()) == []


def test_an_exporter_that_fails_leaves_nothing(
    run_model: RunModel, registry: Registry, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it raises, its plugin is named."""

    def broken(self: Any, source: Any, path: Path) -> None:
        path.write_text("half a model")
        raise ZeroDivisionError

    monkeypatch.setattr(DenseTensors, "write", broken)
    with pytest.raises(Exception, match="exporter 'safetensors'.*ZeroDivisionError"):
        export_model(run_model, params(registry), registry, output=place)

    assert list(place.parent.iterdir()) == []
