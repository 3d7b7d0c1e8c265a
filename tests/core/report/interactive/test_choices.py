"""Choices of an attack and of a model."""

from safecompress_core.report.interactive.choices import choice, model_choice


def test_each_value_is_offered_once_and_the_wanted_one_is_chosen() -> None:
    """In the order of the values."""
    control = choice("Attack", "attack", ["loss", "loss", "entropy"], "entropy")

    assert [(one.label, one.where) for one in control.options] == [
        ("loss", {"attack": "loss"}),
        ("entropy", {"attack": "entropy"}),
    ]
    assert control.chosen == 1


def test_the_first_value_is_chosen_where_the_wanted_one_is_not_there() -> None:
    """An attack may have no scores."""
    assert choice("Attack", "attack", ["loss"], "entropy").chosen == 0


def test_the_compressed_model_is_the_first_choice() -> None:
    """The uncompressed one is the other, whichever has scores first."""
    control = model_choice(["uncompressed", "compressed"])

    assert [one.label for one in control.options] == ["compressed", "uncompressed"]
    assert control.chosen == 0
