"""Model card of an export: metadata that Hugging Face accepts, figures, threat model, limits."""

import pytest
from ruamel.yaml import YAML

from safecompress_core.export.model_card import format_difference, format_latency, model_card
from tests.core.fixtures.exports import agreement_record, export_record, paired
from tests.core.fixtures.records import blind_record

USAGE = "logits = session(inputs)\n"


def card(**changes: object) -> str:
    """The card of an export."""
    return model_card(export_record(**changes), usage=USAGE)


def test_its_metadata_are_accepted_by_hugging_face() -> None:
    """With the measured accuracy as a result of the model."""
    hub = pytest.importorskip("huggingface_hub")
    data = hub.ModelCard(card()).data

    assert data.library_name == "onnxruntime"
    assert data.pipeline_tag == "image-classification"
    assert {"safecompress", "onnx-int8"} <= set(data.tags)
    [result] = data.eval_results
    assert (result.metric_type, result.metric_value) == ("accuracy", 0.49)


@pytest.mark.parametrize(
    ("shape", "dtype", "task"),
    [
        ((14,), "float32", "tabular-classification"),
        ((3, 32, 32), "float32", "image-classification"),
        ((128,), "int64", "text-classification"),
    ],
)
def test_the_task_follows_from_the_samples(shape: tuple[int, ...], dtype: str, task: str) -> None:
    """As Hugging Face names it."""
    front = card(input_shape=shape, input_dtype=dtype).split("---\n")[1]

    assert YAML(typ="safe", pure=True).load(front)["pipeline_tag"] == task


def test_it_says_how_to_load_what_was_measured_and_what_was_not() -> None:
    """Code, a row for every figure, and the attacks that need more than answers."""
    text = card()

    assert f"```python\n{USAGE}```" in text
    assert (
        "| membership advantage, `loss-threshold` | 0.130 | 0.140 | +0.010 (−0.010 to 0.030) |"
        in text
    )
    assert "| extraction advantage, `knockoff` | 0.800 | 0.810 | +0.010 |" in text
    assert "- `lira` needs references" in text
    assert "99.00% of 270 labels agree (at least 95.00% accepted; 2 ties)" in text
    assert "no output guard stands between the network and its answers" in text


def test_a_guard_and_a_tolerance_are_stated() -> None:
    """Where there are any."""
    text = card(guard="hamp", agreement=agreement_record(tolerance=0.001))

    assert "the output guard of `hamp` is part of the file" in text
    assert "the largest difference of a logit is 0.12, accepted 0.001" in text


@pytest.mark.parametrize(
    ("pair", "text"),
    [
        (paired(0.13, 0.14, (-0.01, 0.03)), "+0.010 (−0.010 to 0.030)"),
        (paired(0.14, 0.13, (-0.03, -0.001)), "−0.010 (−0.030 to −0.001)"),
        (paired(0.5, 0.4999, (0.0, 0.0)), "0.000 (0.000–0.000)"),
        (paired(0.5, 0.75, None), "+0.250"),
    ],
)
def test_a_difference_has_its_sign_and_interval(pair: object, text: str) -> None:
    """A rounded 0 has no sign."""
    assert format_difference(pair) == text  # type: ignore[arg-type]


def test_latency_is_in_milliseconds() -> None:
    """Median first."""
    assert format_latency(export_record().latency[1]) == "0.32 (p95 0.64)"


def test_members_that_differ_without_the_model_are_a_limit() -> None:
    """Whether the spec of the run accepts it or not; nothing is said of members that are alike."""
    shifted = card(blind_baseline=blind_record(shifted=True, accepted=True))

    limits = shifted.partition("## Limits")[2]
    assert "it distinguishes members from non-members by their inputs (AUC 0.900" in limits
    assert "The spec accepts it (accept_shift: true)." in limits
    assert "Blind baseline" not in card(blind_baseline=blind_record())
