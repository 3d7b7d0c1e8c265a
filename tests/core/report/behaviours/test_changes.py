"""What compression changed, in words."""

from safecompress_core.report.behaviours.changes import changes, flips, left_out, summary
from safecompress_core.results.schema import Results


def test_a_row_has_both_figures_the_change_its_noise_and_a_verdict(results: Results) -> None:
    """Signs say where a figure went; the noise is the range of re-trained models."""
    accuracy, ece, gap, sharpness = changes(results)

    assert (accuracy.before[0], accuracy.after[0], accuracy.change[0]) == (
        "0.900",
        "0.800",
        "−0.100",
    )
    assert accuracy.noise == "−0.020 to +0.010"
    assert gap.change[0] == "+0.020"
    assert gap.noise == ""
    assert [row.direction for row in (accuracy, ece, gap, sharpness)] == [
        "worse",
        "better",
        "same",
        "same",
    ]


def test_nothing_is_judged_without_a_retrained_model(results: Results) -> None:
    """The figures are in the table of both models."""
    assert results.behaviours is not None
    rows = tuple(row.model_copy(update={"retrained": ()}) for row in results.behaviours)

    assert changes(results.model_copy(update={"behaviours": rows})) == ()
    assert changes(results.model_copy(update={"behaviours": None})) == ()


def test_verdicts_are_counted_and_the_noise_s_source_is_named(results: Results) -> None:
    """As many models as were trained again."""
    assert summary(results) == (
        "Of 4 behaviours 2 changed beyond training noise, 1 lie within noise, and 1 cannot be "
        "decided. 2 uncompressed models were trained again with other seeds."
    )


def test_flipped_samples_are_named_by_position_up_to_a_number(results: Results) -> None:
    """Results list the rest; nothing of a sample but its position is there."""
    found = flips(results)

    assert found is not None
    assert [group.name for group in found.groups] == ["members", "non-members", "exposed members"]
    assert (len(found.samples), found.more) == (30, 10)
    assert set(found.samples[0]) == {"index", "member", "exposed", "change"}
    assert flips(results.model_copy(update={"details": None})) is None


def test_groups_that_were_left_out_are_named(results: Results) -> None:
    """With their number of samples, and the label where a rate is of one."""
    assert left_out(results) == (
        "worst-group leaves out groups with fewer than 10 samples: rare (4), b at label x (2).",
    )
