"""Model of a finished run: which one a command means, and what it is measured with."""

import json
import shutil
from pathlib import Path

import pytest
import torch

from safecompress_core.errors import ExportError, RunDirectoryError
from safecompress_core.export.run_model import RunModel, locate_model, open_run_model
from safecompress_core.host import Registry
from safecompress_core.results.checksums import record_files
from safecompress_core.saved_models.storage import load_model, save_model


def test_a_run_stands_for_its_chosen_model(finished_run: Path) -> None:
    """And a model file for the run that it lies in."""
    run = finished_run
    baseline = run / "baseline" / "model.safetensors"

    assert locate_model(run, None) == (run, run / "model" / "model.safetensors")
    assert locate_model(baseline, None) == (run, baseline)


def test_a_model_elsewhere_needs_its_run(finished_run: Path, tmp_path: Path) -> None:
    """The message says how to name it."""
    run = finished_run
    file = tmp_path / "mine.safetensors"
    shutil.copy(run / "model" / "model.safetensors", file)

    with pytest.raises(ExportError, match="lies in no run directory, .* --run RUN"):
        locate_model(file, None)
    with pytest.raises(ExportError, match="is no directory of a finished run"):
        locate_model(file, tmp_path)
    assert locate_model(file, run) == (run, file)


def test_models_have_names_that_tell_them_apart(run_model: RunModel, registry: Registry) -> None:
    """The chosen one is called like its run."""
    run = run_model.run
    dense = open_run_model(run, run / "baseline" / "model.safetensors", registry)

    assert (run_model.name, run_model.short_name) == ("model/model.safetensors", run.name)
    assert dense.short_name == f"{run.name}-baseline"


def test_the_source_has_members_of_attack_train_to_calibrate_with(run_model: RunModel) -> None:
    """None of the audit pool, and the same in every export."""
    source, again = run_model.source(), run_model.source()
    context = run_model.run_context
    rows = {tuple(row) for row in source.calibration.flatten(1).tolist()}
    known = context.dataset.inputs[context.pools.attack_train.members]

    assert rows == {tuple(row) for row in known.flatten(1).tolist()}
    assert torch.equal(source.calibration, again.calibration)
    assert (len(source.examples), source.guard) == (4, "")
    assert source.network is run_model.shipped.module


def test_samples_that_have_changed_are_refused(finished_run: Path, registry: Registry) -> None:
    """Figures of other samples would say nothing of the run's model."""
    identity = json.loads((finished_run / "identity.json").read_text())
    first = next(iter(identity))
    (finished_run / "identity.json").write_text(json.dumps(identity | {first: "0" * 64}))
    record_files(finished_run, ["identity.json"])

    with pytest.raises(RunDirectoryError, match="changed since the run: the samples of task.data"):
        open_run_model(finished_run, finished_run / "model" / "model.safetensors", registry)


def test_a_model_of_other_labels_is_refused(
    run_model: RunModel, registry: Registry, tmp_path: Path
) -> None:
    """Its run is another one."""
    stored = load_model(run_model.file)
    metadata = {**stored.metadata, "classes": [f"other {n}" for n in stored.metadata["classes"]]}
    save_model(tmp_path / "other.safetensors", stored.state, stored.topology, metadata)

    with pytest.raises(ExportError, match="name its own run"):
        open_run_model(run_model.run, tmp_path / "other.safetensors", registry)
