"""``safecompress.run``: from a spec to a small model and a verdict."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from safecompress_core.cli.outcome import display_of, write_page
from safecompress_core.cli.watched_run import watched_run
from safecompress_core.execution.settings import ExecutorName
from safecompress_core.python.arguments import GivenPath, GivenSpec, execution_of, is_watched
from safecompress_core.python.opened_spec import open_spec
from safecompress_core.python.result import Result
from safecompress_core.specfile.load import load_spec
from safecompress_core.specfile.yaml.overrides import Overrides

__all__ = ["run"]


def run(
    spec: GivenSpec,
    *,
    data: Any = None,
    model: Any = None,
    overrides: Overrides = (),
    runs_dir: GivenPath = "runs",
    workers: int = 1,
    executor: ExecutorName | None = None,
    address: str | None = None,
    devices: Sequence[int] = (),
    resources: Mapping[str, float] | None = None,
    allow_code: bool = False,
    plugins_dir: GivenPath | None = None,
    progress: bool | None = None,
) -> Result:
    """Compress a network by a spec, attack it, and audit the result.

    The same as ``safecompress run``, with the same run directory: an interrupted run resumes, a
    finished one is read, whichever of the two began it.

    Args:
        spec: the path of a YAML file, the name of a spec that ships, or a dictionary.
        data: samples instead of those of ``task.data``: a pair of inputs, shape (N, ...), and
            labels, of arrays, tensors, data frames or lists, with a mapping from names of private
            attributes to values as a third part; or a ``torch.utils.data.Dataset`` of pairs.
            Inputs may be texts for a model that reads them. Samples are known by a fingerprint of
            their content; records call them ``in-memory``.
        model: a network instead of that of ``task.model``: a ``torch.nn.Module``, of which the
            layers count, since its weights are drawn anew; a function without arguments that
            returns a new network, whose weights are where training starts; or a classifier of
            transformers, likewise, in a pair with its tokenizer if samples are texts.
        overrides: ``{"training.epochs": 50}``, or ``["training.epochs=50"]`` as ``--set`` takes it.
        runs_dir: where run directories are made.
        workers: how many units of work are done at once; results do not depend on it.
        executor: ``local``, ``processes`` or ``ray``; by default processes if workers are several.
        address: of a Ray cluster, or ``auto``; by default one is started on this machine.
        devices: CUDA devices that processes are pinned to, in turn.
        resources: ``{"gpu": 0.25}`` has four units share a GPU of the Ray cluster.
        allow_code: whether the spec may import and run code that it names.
        plugins_dir: a folder of single-file plugins that are loaded as well.
        progress: whether it is shown; by default in a notebook, and where standard error is a
            terminal.

    Raises:
        SpecError: with every problem of the spec, also those that only data and model show.
        DataError: if samples do not fit each other.
        ModelError: if the model is of no known form, or a module that cannot be drawn anew.
        RunInUseError: if another process is at it.
        RunDirectoryError: if samples, files or code have changed since an earlier attempt.
        TrainingDivergedError: if a loss is no longer a number; the last finished round is kept.
        MissingExtraError: if a component or the executor needs a package that is not installed.
        ExecutionError: if the settings of execution do not fit each other, or a cluster does not
            answer, or has other packages or too few devices.
    """
    execution = execution_of(
        executor, workers=workers, address=address, devices=devices, resources=resources
    )
    with open_spec(
        spec,
        data=data,
        model=model,
        overrides=overrides,
        execution=execution,
        plugins_dir=plugins_dir,
    ) as opened:
        registry = opened.host.registry
        loaded = load_spec(
            opened.composed,
            registry=registry,
            skipped=opened.host.skipped,
            allow_code=allow_code,
        )
        finished = watched_run(
            loaded,
            opened.host,
            runs=Path(runs_dir),
            display=display_of(loaded.spec) if is_watched(progress) else None,
            execution=execution,
            plugins_dir=opened.plugins_dir,
        )
    write_page(finished)
    return Result(
        path=finished.path,
        results=finished.results,
        registry=registry,
        allow_code=allow_code,
        architecture=opened.architecture,
    )
