"""Sources of an audit's reference models: what they are known by, and their answers."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from safecompress_core.attacks.reference_answers import ReferenceAnswers
from safecompress_core.context.audit_context import AuditContext
from safecompress_core.execution.executor import Executor
from safecompress_core.results.events import EventLog

__all__ = ["ReferenceSource", "ReferenceWork"]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ReferenceWork:
    """How reference models are trained, and where their answers are kept.

    Attributes:
        folder: of the answers.
        events: receives each model.
        executor: trains what is missing.
        plugins_dir: where single-file plugins are, for its processes.
    """

    folder: Path
    events: EventLog
    executor: Executor
    plugins_dir: Path | None = None


class ReferenceSource(ABC):
    """Where reference models of a finished model come from."""

    method: ClassVar[Literal["train", "given"]]

    @abstractmethod
    def identity(self) -> Mapping[str, str]:
        """Return hashes of what decides the models' answers, by name."""

    @abstractmethod
    def answers(
        self, audit_context: AuditContext, count: int, work: ReferenceWork
    ) -> ReferenceAnswers:
        """Return the answers of so many reference models to the audit's samples.

        Raises:
            ModelError: if a model cannot be had, or was not trained as was asked.
            DataError: if files of models do not fit the samples.
            ExecutionError: if the executor's processes read other samples than this one.
        """
