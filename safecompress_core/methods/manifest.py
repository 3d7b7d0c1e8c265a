"""Names and parameters of the methods that core ships."""

from safecompress_core.api import MethodDef, MethodParams, Workload
from safecompress_core.methods.search.params import SearchParams
from safecompress_core.methods.test_driven.params import TestDrivenParams

__all__ = ["DEFINITIONS", "UncompressedParams"]


class UncompressedParams(MethodParams):
    """The model as it would be without compression."""


def _test_driven(params: TestDrivenParams, epochs: int) -> Workload:
    rounds = params.timetable(epochs)
    return Workload(
        epochs=params.models * sum(round_.epochs for round_ in rounds),
        fits=sum(round_.lineages for round_ in rounds),
        tests=sum(round_.tested for round_ in rounds),
        candidates=tuple(round_.tested for round_ in rounds),
        field=tuple(round_.lineages for round_ in rounds),
        has_twins=params.twins,
        replay_epochs=epochs,
    )


DEFINITIONS = (
    MethodDef(
        name="test-driven",
        params=TestDrivenParams,
        target="safecompress_core.methods.test_driven.loop:TestDriven",
        summary="Sparse training that attacks a field of lineages in rounds and keeps the best.",
        cites="Zhu, Wang & Han, ASE 2022, Algorithm 1; TSE 2024",
        workload=_test_driven,
        has_twins=True,
        cost_fields=frozenset({"field"}),
        needs_whole_batch="",
    ),
    MethodDef(
        name="search",
        params=SearchParams,
        target="safecompress_core.methods.search.loop:Search",
        summary="Whole trainings with settings that Optuna proposes, tested like a race.",
        cites="Akiba et al., KDD 2019; Bergstra et al., NeurIPS 2011; Deb et al., IEEE TEC 2002",
        workload=lambda params, epochs: params.workload(epochs),
        has_twins=True,
        needs_whole_batch="",
    ),
    MethodDef(
        name="uncompressed",
        params=UncompressedParams,
        target="safecompress_core.methods.uncompressed:Uncompressed",
        summary="Dense training, to see what a defence does without compression.",
        workload=lambda _, epochs: Workload(epochs=epochs),
        needs_whole_batch="",
    ),
)
