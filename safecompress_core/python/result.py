"""Result of a run: its directory, its results, and what can be made of both."""

from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from safecompress_core.atomic_writing import write_bytes
from safecompress_core.errors import ModelError
from safecompress_core.host import Registry
from safecompress_core.networks.in_memory import GivenArchitecture, holding_architecture
from safecompress_core.python.arguments import GivenPath
from safecompress_core.python.figures import FigureName, plot
from safecompress_core.python.frames import FrameName, data_frame, record_columns, rows_of
from safecompress_core.python.notebook_table import as_html, as_lines
from safecompress_core.report.page import page_of
from safecompress_core.report.summary import overview
from safecompress_core.report.verdict import is_good, verdict
from safecompress_core.results.checksums import MODEL, read_recorded
from safecompress_core.results.schema import GateRecord, Results
from safecompress_core.results.score_file import SCORES, ScoredRecords, read_scores
from safecompress_core.saved_models.load import load_classifier
from safecompress_core.saved_models.shipped_model import ShippedModel

if TYPE_CHECKING:
    from pandas import DataFrame

    from safecompress_core.report.figures.plots import ReportFigure

__all__ = ["Result"]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Result:
    """A finished run, or a finished audit.

    Attributes:
        path: the run directory.
        results: the content of its ``results.json``.
        registry: the components that were installed.
        allow_code: whether the model may be built by code that its file names.
        architecture: of the network that the call was given; None where the spec names one.
    """

    path: Path
    results: Results
    registry: Registry = field(compare=False)
    allow_code: bool = field(default=False, compare=False)
    architecture: GivenArchitecture | None = field(default=None, compare=False)

    @property
    def gates(self) -> tuple[GateRecord, ...]:
        """Return the gates in the order of the spec, each with its bound, value and outcome."""
        return self.results.gate

    @property
    def passed(self) -> bool:
        """Return whether all gates are met and no control failed: the exit code 0 of a command."""
        return is_good(self.results)

    def model(self) -> ShippedModel:
        """Load the compressed model: an ``nn.Module`` in eval mode, behind its output guard.

        Raises:
            ModelError: if this is an audit, which stores no model.
            StorageError: if its file is damaged, or a plugin that it needs is not installed.
        """
        if self.results.origin is not None:
            raise ModelError("an audit stores no model", hint="use the model that was audited")
        # The file names a given network by its fingerprint alone.
        held = holding_architecture(self.architecture) if self.architecture else nullcontext()
        with held:
            return load_classifier(
                self.path / MODEL,
                allow_code=self.allow_code,
                registry=self.registry,
            )

    def report(self, path: GivenPath) -> Path:
        """Write the report, one HTML page that needs no other file, and return its path.

        Raises:
            RunDirectoryError: if a file of the run is missing or damaged.
            WriteError: if it cannot be written.
        """
        place = Path(path)
        write_bytes(place, page_of(self.path).encode())
        return place

    def frame(self, name: FrameName) -> "DataFrame":
        """Return a table as a data frame of pandas.

        Args:
            name: ``attacks``: a row for each attack on each model of the audit, every measure with
                the ends of its 95 % interval (``auc``, ``auc_low``, ``auc_high``). ``records``: a
                row for each record of the audit pool under each attack on each model, with its
                score, rank and risk. ``rounds``: a row for each model that a round tests.
                ``archive``: a row for each model that no other one dominates.

        Raises:
            ValueError: if there is no such table.
            MissingExtraError: if pandas is not installed.
            RunDirectoryError: for ``records``, if their file is missing or damaged.
        """
        if name == "records":
            return data_frame(record_columns(self.scores()))
        return data_frame(rows_of(self.results, name))

    def plot(self, name: FigureName) -> "ReportFigure":
        """Return a figure of the report as a figure of matplotlib, which a notebook shows.

        Args:
            name: ``advantage``: each attack on each model, with intervals. ``roc``: curves with
                bands, on linear and on logarithmic axes. ``scores``: of members and non-members.
                ``risk``: of each member, the most exposed first. ``groups``: mean risk by group.
                ``confusion``: attributes as they are inferred. ``trade-off``: performance against
                each attack, for all that was tested. ``rounds``: each objective over the rounds.
                ``noise``: of the tests, by round. ``layers``: density by layer. ``behaviours``:
                what compression has changed.

        Raises:
            ValueError: if there is no such figure, or this result has nothing to draw in it; the
                message names those that it has.
            RunDirectoryError: if ``scores.parquet`` is missing or damaged.
        """
        return plot(self.results, self.scores, name)

    def scores(self) -> tuple[ScoredRecords, ...]:
        """Return the scores of the audit pool's records, by each attack on each model.

        Raises:
            RunDirectoryError: if ``scores.parquet`` is missing or damaged.
        """
        return read_scores(read_recorded(self.path, SCORES))

    def __repr__(self) -> str:
        return as_lines(verdict(self.results), overview(self.results), self.path)

    def _repr_html_(self) -> str:
        return as_html(verdict(self.results), overview(self.results), self.path)
