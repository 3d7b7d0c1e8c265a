"""Field of a race: the settings of its lineages, spread over what the strategies open."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import qmc

from safecompress_core.api import Start
from safecompress_core.methods.test_driven.open_settings import OpenSettings
from safecompress_core.training.settings import Settings

__all__ = ["LineageSettings", "draw_field"]

LARGEST_SAMPLE = 2**14
"""Points that are tried at most; a field that needs more has fewer lineages."""


@dataclass(frozen=True, slots=True)
class LineageSettings:
    """Settings that a lineage begins with.

    Attributes:
        name: what distinguishes it from the spec.
        start: source of its first weights: ``random``, ``inherit`` or ``pretrained``.
        settings: of its training.
    """

    name: str
    start: Start
    settings: Settings


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
    first = LineageSettings("as written", open_settings.starts[0], written)
    field = {repr((first.start, first.settings)): first}
    for point in _sobol_points(open_settings.dimensions, generator):
        if len(field) >= min(count, open_settings.count):
            break
        rule, start, changes = open_settings.at(point)
        settings = written.apply_changes(changes)
        # A factor may lead out of a parameter's range.
        if settings is None:
            continue
        settings = settings.with_rule(rule)
        described = [rule_names[rule], *(f"{key} {change}" for key, change in changes.items())]
        if len(open_settings.starts) > 1:
            described.append(f"weights {start}")
        field.setdefault(
            repr((start, settings)), LineageSettings(", ".join(described), start, settings)
        )
    return tuple(field.values())[:count]


def _sobol_points(dimensions: int, generator: np.random.Generator) -> Iterator[list[float]]:
    sampler = qmc.Sobol(dimensions, scramble=True, rng=generator)
    # Powers of two keep the balance of the set; each batch continues the one before it.
    yield from sampler.random(1).tolist()
    drawn = 1
    while drawn < LARGEST_SAMPLE:
        yield from sampler.random(drawn).tolist()
        drawn *= 2
