"""Field of a race: the settings of its lineages, spread over what the strategies open."""

from collections.abc import Iterator, Sequence

import numpy as np
from scipy.stats import qmc

from safecompress_core.methods.lineages.lineage_settings import LineageSettings
from safecompress_core.methods.lineages.open_settings import OpenSettings
from safecompress_core.training.settings import Settings

__all__ = ["draw_field"]

LARGEST_SAMPLE = 2**14
"""Points that are tried at most; a field that needs more has fewer lineages."""


def draw_field(
    open_settings: OpenSettings,
    written: Settings,
    count: int,
    *,
    rule_names: Sequence[str],
    generator: np.random.Generator,
) -> tuple[LineageSettings, ...]:
    """Return the settings of ``count`` lineages: the spec as written, then a scrambled Sobol set.

    Points whose settings are out of range or occur twice are passed over, so a field has fewer
    lineages where the strategies open fewer settings.

    Args:
        open_settings: the space.
        written: settings of the spec itself.
        count: lineages wanted.
        rule_names: of each strategy.
        generator: scrambles the set.

    Source: Sobol 1967, "On the distribution of points in a cube and the approximate evaluation of
    integrals"; Owen 1998, "Scrambling Sobol' and Niederreiter–Xing points".
    """
    first = LineageSettings.as_written(open_settings, written)
    field = {first.key: first}
    for point in _sobol_points(open_settings.dimensions, generator):
        if len(field) >= min(count, open_settings.count):
            break
        rule, start, changes = open_settings.at(point)
        drawn = LineageSettings.changed(
            open_settings,
            written,
            rule=rule,
            start=start,
            changes=changes,
            rule_names=rule_names,
        )
        # A factor may lead out of a parameter's range.
        if drawn is not None:
            field.setdefault(drawn.key, drawn)
    return tuple(field.values())[:count]


def _sobol_points(dimensions: int, generator: np.random.Generator) -> Iterator[list[float]]:
    sampler = qmc.Sobol(dimensions, scramble=True, rng=generator)
    # Powers of two keep the balance of the set; each batch continues the one before it.
    yield from sampler.random(1).tolist()
    drawn = 1
    while drawn < LARGEST_SAMPLE:
        yield from sampler.random(drawn).tolist()
        drawn *= 2
