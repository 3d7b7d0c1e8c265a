"""Duration of a forward pass."""

import torch
from scipy.stats import quantile_test

from safecompress_core.toolkit import Estimate, Metric, Subject, in_eval_mode, latency
from safecompress_plugins.metrics.manifest import LatencyParams

__all__ = ["Latency"]

QUANTILES = {"median": 0.5, "p95": 0.95}
MILLISECONDS = 1000  # in a second


class Latency(Metric):
    """Milliseconds of a forward pass, with as many threads as the run has.

    The interval is the distribution-free one of a quantile, from order statistics (Conover 1999,
    "Practical Nonparametric Statistics", section 3.2): it covers the noise of these calls, not
    that of another hour or another machine.
    """

    def __init__(self, params: LatencyParams) -> None:
        self._params = params

    def measure(self, subject: Subject) -> Estimate:
        """Return a quantile of the durations, with its interval."""
        batch = subject.sample.expand(self._params.batch, *subject.sample.shape[1:]).contiguous()
        with in_eval_mode(subject.network), torch.no_grad():
            record = latency(subject.network, batch, repeats=self._params.repeats)
        quantile = QUANTILES[self._params.statistic]
        ends = quantile_test(record.seconds, q=record.median, p=quantile).confidence_interval()
        value = record.median if self._params.statistic == "median" else record.p95
        return Estimate(value, ends.low, ends.high).scale(MILLISECONDS)
