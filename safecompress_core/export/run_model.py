"""Model of a finished run, with the run's data, pools and attacks to measure an export with."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor, nn

from safecompress_core.context.run_context import RunContext, build_run_context
from safecompress_core.data.dataset import select_inputs
from safecompress_core.data.pools import Pool
from safecompress_core.errors import ExportError, RunDirectoryError
from safecompress_core.host import Registry
from safecompress_core.networks.output_guard import AnswerModule
from safecompress_core.results.checksums import MODEL, is_finished
from safecompress_core.results.identity import changes_since
from safecompress_core.results.reading import read_results
from safecompress_core.results.schema import Results
from safecompress_core.saved_models.exporter import ExportSource
from safecompress_core.saved_models.load import load_classifier
from safecompress_core.saved_models.shipped_model import ShippedModel
from safecompress_core.saved_models.storage import load_model
from safecompress_core.specfile.load import load_spec

__all__ = ["RunModel", "locate_model", "open_run_model"]

SPEC = "spec.resolved.yaml"
EXAMPLES = 4
"""Samples by which a network is traced."""
MOST_CALIBRATION = 4096
"""Members of attack-train that an exporter can measure activations on, at most."""
CPU = torch.device("cpu")


def locate_model(path: Path, run: Path | None) -> tuple[Path, Path]:
    """Return the directory of a run, and the file of one of its models.

    Args:
        path: a run directory, which stands for its chosen model, or a model file.
        run: the run that the model file belongs to; by default the run that it lies in.

    Raises:
        ExportError: if no finished run is found.
    """
    file = path / MODEL if path.is_dir() else path
    directory = path if path.is_dir() else run
    if directory is None:
        # archive/, picked/, model/ and baseline/ are one level deep.
        directory = next(filter(is_finished, file.resolve().parents[:2]), None)
    if directory is None:
        raise ExportError(
            f"{file}: lies in no run directory, and a run's data and attacks are needed to check "
            "the export; name the run with --run RUN"
        )
    if not is_finished(directory):
        raise ExportError(f"{directory}: is no directory of a finished run")
    return directory, file


@dataclass(frozen=True, eq=False, kw_only=True)
class RunModel:
    """A model of a run.

    Attributes:
        run: the run's directory.
        file: the model's file.
        results: of the run.
        run_context: of the run, on the CPU.
        shipped: the model as a user of the file loads it.
    """

    run: Path
    file: Path
    results: Results
    run_context: RunContext
    shipped: ShippedModel

    @property
    def name(self) -> str:
        """Name of the file in the run's directory; its path if it is elsewhere."""
        run, file = self.run.resolve(), self.file.resolve()
        return file.relative_to(run).as_posix() if file.is_relative_to(run) else str(self.file)

    @property
    def short_name(self) -> str:
        """What the run's directory and the model are called in the name of an export."""
        run, name = self.run.resolve().name, Path(self.name)
        if name == MODEL:
            return run
        return f"{run}-{name.parent.name if name.name == MODEL.name else name.stem}"

    @property
    def guard(self) -> str:
        """Name of the defence whose guard perturbs the answers; empty without one."""
        written = self.shipped.rows.metadata.get("guard")
        return "" if self.shipped.guard is None or written is None else str(written["type"])

    @property
    def rounded_layers(self) -> tuple[str, ...]:
        """Names of the layers whose inputs are rounded."""
        return tuple(load_model(self.file).inputs)

    @cached_property
    def network(self) -> nn.Module:
        """From samples (N, ...) to logits as a user gets them, in eval mode on the CPU."""
        module, guard = self.shipped.module, self.shipped.guard
        if guard is None:
            return module
        values = self.run_context.sample.numel()
        return AnswerModule(module, guard, values=values).eval()

    def inputs(self, pool: Pool, count: int) -> Tensor:
        """Return the first samples of a pool, repeated if it has fewer: shape (count, ...)."""
        rows = torch.arange(count) % len(pool)
        samples = select_inputs(self.run_context.dataset.inputs, pool.indices[rows], CPU)
        return samples[torch.arange(count)]

    def source(self) -> ExportSource:
        """Return what an exporter is given."""
        return ExportSource(
            network=self.network,
            module=self.shipped.module,
            factory=self.shipped.rows.factory,
            examples=self.inputs(self.run_context.pools.audit, EXAMPLES),
            calibration=self._calibration(),
            classes=self.shipped.classes,
            guard=self.guard,
        )

    def _calibration(self) -> Tensor:
        """Members of attack-train in random order: the audit pool must stay unseen."""
        members = self.run_context.pools.attack_train.members
        generator = self.run_context.seed.child("export", "calibration").torch()
        chosen = members[torch.randperm(len(members), generator=generator)[:MOST_CALIBRATION]]
        samples = select_inputs(self.run_context.dataset.inputs, chosen, CPU)
        return samples[torch.arange(len(chosen))]


def open_run_model(
    run: Path, file: Path, registry: Registry, *, allow_code: bool = False
) -> RunModel:
    """Load a model of a finished run, and what is needed to measure it.

    Args:
        run: the run's directory.
        file: the model's file.
        registry: what is installed.
        allow_code: whether code that spec or file name may be imported and run.

    Raises:
        ExportError: if the directory is of an audit, or the file's model does not fit the run.
        RunDirectoryError: if results are damaged, or samples, files or code have changed since.
        StorageError: if the model's file is damaged.
    """
    results = read_results(run)
    if results.baseline is None:
        raise ExportError(
            f"{run}: is of an audit, which has no model of its own; name the directory of a run"
        )
    loaded = load_spec(
        run / SPEC, overrides=("device=cpu",), registry=registry, allow_code=allow_code
    )
    run_context = build_run_context(loaded, registry)
    shipped = load_classifier(file, registry=registry, allow_code=allow_code)
    _require_fit(shipped, run_context, file)
    if changes := changes_since(run_context.identity(), run):
        raise RunDirectoryError(
            f"{run}: changed since the run: {', '.join(changes)}; an export can be checked only on "
            "the samples of its run"
        )
    return RunModel(run=run, file=file, results=results, run_context=run_context, shipped=shipped)


def _require_fit(shipped: ShippedModel, run_context: RunContext, file: Path) -> None:
    """Refuse a model of other samples than the run's."""
    shape = tuple(shipped.rows.metadata["input_shape"])
    wanted = tuple(run_context.dataset.inputs.shape[1:])
    if shape != wanted or shipped.classes != tuple(run_context.dataset.classes):
        raise ExportError(
            f"{file}: takes samples of shape {shape} with {len(shipped.classes)} labels, and the "
            f"run has shape {wanted} with {len(run_context.dataset.classes)}; name its own run"
        )
