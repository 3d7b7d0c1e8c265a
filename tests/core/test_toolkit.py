"""The façade for implementations: sorted, complete, and enough for every kind of plugin."""

import inspect

from safecompress_core import toolkit
from safecompress_core.api import Kind

BASES = {
    Kind.DATA: ["DataSource"],
    Kind.MODEL: ["ModelFactory"],
    Kind.STRATEGY: ["Initial", "Prune", "Grow"],
    Kind.GAME: ["Game", "ScoredGame"],
    Kind.ATTACKER: ["Attacker"],
    Kind.DEFENCE: ["Defence"],
    Kind.METRIC: ["Metric"],
    Kind.AGGREGATOR: ["Aggregator"],
    Kind.METHOD: ["Method"],
    Kind.FINISHER: ["Finisher"],
    Kind.EXPORTER: ["Exporter"],
}


def test_what_is_exported_is_sorted_and_there() -> None:
    """Every public name of the module is listed, and every listed name exists."""
    public = {
        name
        for name, value in vars(toolkit).items()
        if not name.startswith("_") and not inspect.ismodule(value)
    }

    assert toolkit.__all__ == sorted(toolkit.__all__)
    assert set(toolkit.__all__) == public


def test_every_kind_of_plugin_finds_what_it_subclasses() -> None:
    """An abstract base for each kind (and role) that a manifest can name."""
    assert set(BASES) == set(Kind)
    for names in BASES.values():
        for name in names:
            base = getattr(toolkit, name)
            assert name in toolkit.__all__
            assert inspect.isabstract(base) or name == "Defence"  # whose methods are all optional


def test_everything_has_a_docstring() -> None:
    """Since it is the part that others read."""
    undocumented = [
        name
        for name in toolkit.__all__
        if (inspect.isclass(value := getattr(toolkit, name)) or inspect.isfunction(value))
        and not value.__doc__
    ]

    assert not undocumented
