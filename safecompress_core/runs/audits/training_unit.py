"""Units that train a reference model of an audit by a function that any process can import."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from torch import Tensor

from safecompress_core.context.audit_context import AuditSamples, build_samples_context
from safecompress_core.data.dataset import Dataset
from safecompress_core.errors import ModelError
from safecompress_core.execution.units import Unit
from safecompress_core.host import load_plugins
from safecompress_core.runs.audits.training_function import (
    NamedFunction,
    TrainingJob,
    answer_by_data,
)
from safecompress_core.runs.spec_unit import UnitSpec, require_identity
from safecompress_core.saved_models.objects.answering import ask, is_array
from safecompress_core.specfile.load import compose_spec, load_audit_spec

__all__ = ["TrainingUnit"]


@dataclass(frozen=True, kw_only=True)
class TrainingUnit(Unit):
    """Training of one model, in the folder of all of them.

    Attributes:
        job: which one.
        function: trains it; None for one that only this process has.
        spec: of the audit, where its samples can be loaded; None for samples in memory.
    """

    job: TrainingJob
    function: NamedFunction | None
    spec: UnitSpec | None

    @property
    def mark(self) -> str:
        """Return the record of its checkpoint."""
        return f"{self.job.key}/record.json"

    def work(self) -> None:
        """Train it, in a process that has to import the function first."""
        assert self.function is not None  # no other function is sent to a process
        self.job.do(self.function, self._answer, self.folder)

    def _answer(self, returned: Any, classes: Sequence[str]) -> Tensor:
        """Ask a model about the samples, which are loaded only for that; answers need none."""
        if is_array(returned):
            return ask(returned, None).to_logits(classes)
        if self.spec is None:
            raise ModelError(
                f"a {type(returned).__name__} cannot be asked by a worker, since the samples are "
                "in memory",
                hint="return an answer to every sample, shape (N, C), or use one worker",
            )
        data = _load(self.spec, self.plugins_dir, self.plugins_name)
        return answer_by_data(data)(returned, classes)


@lru_cache(maxsize=1)
def _load(spec: UnitSpec, plugins_dir: Path | None, plugins_name: str | None) -> Dataset:
    """Return the samples of an audit, of which a process keeps the last."""
    registry = load_plugins(plugins_dir=plugins_dir, plugins_name=plugins_name).registry
    composed = compose_spec(json.loads(spec.resolved), ())
    loaded = load_audit_spec(composed, registry=registry, allow_code=spec.allow_code)
    context = build_samples_context(loaded, registry)
    # They may be others on this machine.
    require_identity(spec.hashes, context)
    samples = context.samples
    assert isinstance(samples, AuditSamples)  # of the context of an audit
    return samples.source
