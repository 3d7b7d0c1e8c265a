"""Checks of metrics against the samples and the network, before anything is trained."""

from collections.abc import Iterator

from safecompress_core.api import Need
from safecompress_core.context.spec_context import SpecContext
from safecompress_core.metric import MetricTrial, SampleMetric
from safecompress_core.networks.classifier import Classifier
from safecompress_core.preflight.attack_checks import has_continuous_inputs
from safecompress_core.problems import Problem

__all__ = ["check_metrics", "check_performance"]


def check_performance(prepared: SpecContext) -> Iterator[Problem]:
    """Require a metric that candidates can be chosen by."""
    if not any(isinstance(metric, SampleMetric) for metric in prepared.metrics.values()):
        message = "no metric is a mean over samples, so there is no performance to choose by"
        yield Problem(("metrics",), message, "add {type: accuracy}")


def check_metrics(prepared: SpecContext, network: Classifier) -> Iterator[Problem]:
    """Ask each metric whether it can measure such samples and such a network."""
    measured = MetricTrial(
        dataset=prepared.dataset,
        pool=prepared.pools.audit,
        network=network,
        create=prepared.registry.create,
    )
    is_continuous = has_continuous_inputs(prepared.dataset)
    for index, (name, metric) in enumerate(prepared.metrics.items()):
        needs = prepared.metric_definitions[name].needs
        if Need.CONTINUOUS_INPUTS in needs and not is_continuous:
            message = f"{name!r} needs continuous inputs; these are token ids or categorical codes"
            yield Problem(("metrics", index, "type"), message, "take it out")
            continue
        for problem in metric.check(measured):
            yield problem.within("metrics", index)
