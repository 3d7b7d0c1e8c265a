"""Opening of a call: plugins, and a spec that names the objects which the call was given."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from safecompress_core.cli.discovery import discover_plugins
from safecompress_core.data.in_memory import holding
from safecompress_core.errors import ExecutionError
from safecompress_core.execution.settings import Execution
from safecompress_core.host import PluginHost
from safecompress_core.networks.in_memory import GivenArchitecture, holding_architecture
from safecompress_core.python.architectures import read_architecture
from safecompress_core.python.arguments import GivenPath, GivenSpec, find_spec, optional_path
from safecompress_core.python.samples import read_samples
from safecompress_core.specfile.load import Composed, compose_spec
from safecompress_core.specfile.yaml.overrides import Overlay, Overrides, apply_overlays

__all__ = ["OpenedSpec", "open_spec"]

FILES = "write them to a file that task.data names (numpy, csv, parquet)"
FACTORY = "name a function that builds it in task.model ({type: python, factory: module:function})"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedSpec:
    """A spec that is composed and not yet validated.

    Attributes:
        composed: the spec, with the objects of the call by their fingerprints.
        host: plugins, and who receives events.
        plugins_dir: where single-file plugins are.
        architecture: of the network that the call was given; None without one.
    """

    composed: Composed
    host: PluginHost
    plugins_dir: Path | None
    architecture: GivenArchitecture | None = field(default=None)


@contextmanager
def open_spec(
    spec: GivenSpec,
    *,
    data: Any,
    model: Any,
    overrides: Overrides,
    execution: Execution,
    plugins_dir: GivenPath | None,
    within: tuple[str, ...] = (),
) -> Iterator[OpenedSpec]:
    """Load plugins and compose a spec, and hold the objects of the call meanwhile.

    Args:
        spec: a path, the name of a spec that ships, or a dictionary.
        data: samples instead of those of ``task.data``; None for these.
        model: a network instead of that of ``task.model``; None for this.
        overrides: laid over the spec.
        execution: what does units of work; objects are in this process alone.
        plugins_dir: a folder of single-file plugins that are loaded as well.
        within: the field of the spec that has ``task``.

    Raises:
        SpecError: if the spec cannot be read.
        DataError: if samples do not fit each other.
        ModelError: if the model is of no known form.
        ExecutionError: if other processes would need the objects.
    """
    plugins = optional_path(plugins_dir)
    host = discover_plugins(plugins)
    composed = compose_spec(find_spec(spec), overrides)
    architecture = None
    with ExitStack() as held:
        named: dict[str, str] = {}
        if data is not None:
            _require_local(execution, "data: samples", FILES)
            named["data"] = held.enter_context(holding(read_samples(data)))
        if model is not None:
            _require_local(execution, "model: a network", FACTORY)
            architecture = read_architecture(model)
            named["model"] = held.enter_context(holding_architecture(architecture))
        overlays = [
            Overlay(
                steps=(*within, "task", part),
                value={"type": "in-memory", "fingerprint": fingerprint},
                origin=part,
            )
            for part, fingerprint in named.items()
        ]
        root = apply_overlays(composed.root, overlays, composed.problems)
        yield OpenedSpec(
            composed=replace(composed, root=root),
            host=host,
            plugins_dir=plugins,
            architecture=architecture,
        )


def _require_local(execution: Execution, what: str, instead: str) -> None:
    if execution.name != "local":
        raise ExecutionError(
            f"{what} in memory cannot be brought to the workers of {execution.name}; use one "
            f"worker, or {instead}"
        )
