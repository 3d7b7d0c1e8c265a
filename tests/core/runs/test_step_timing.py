"""A step on made-up samples costs what a step of the run would, and needs no data."""

from pathlib import Path

import pytest
import torch

from safecompress_core.host import load_plugins
from safecompress_core.runs.step_timing import build_timing_context, measure_step
from safecompress_core.specfile.load import LoadedSpec, load_spec

SPEC = """
version: 1
name: measured
task:
  data: {type: made-up, samples: 1000000000, classes: 6, shape: [3, 5, 5]}
  model: {type: mlp, hidden: [8]}
pools: {reference: 0.5}
training: {batch_size: 20, precision: float32}
method:
  type: test-driven
  field: 1
  twins: false
  density: 0.5
  defences:
    - {type: adversarial-regularisation, width: 16}
    - {type: distillation}
  strategies: [{prune: {type: magnitude}, grow: {type: random}}]
attackers: [{type: loss-threshold}]
"""


@pytest.fixture
def loaded(tmp_path: Path) -> LoadedSpec:
    """A billion samples, which nobody could load."""
    path = tmp_path / "spec.yaml"
    path.write_text(SPEC)
    return load_spec(path, registry=load_plugins().registry)


def test_a_step_is_measured_with_the_specs_batch_and_defences(loaded: LoadedSpec) -> None:
    """75·8 + 8·6 multiplications, and as many weights with their biases."""
    found = measure_step(loaded, load_plugins().registry)

    assert (found.multiplications, found.parameters) == (648, 648 + 14)
    assert (found.batch_size, found.precision, found.threads) == (20, "float32", 1)
    assert found.step_seconds > 0
    assert found.observing_seconds > 0
    assert found.peak_bytes > 10_000_000


def test_no_more_is_made_up_than_a_step_needs(loaded: LoadedSpec) -> None:
    """A batch and one more, with the card's shape and labels; pools of two a side."""
    run_context, _ = build_timing_context(loaded, load_plugins().registry)

    assert run_context.dataset.inputs.shape == (21, 3, 5, 5)
    assert run_context.dataset.card.classes == 6
    assert [len(pool) for pool in run_context.pools] == [4, 4, 4]
    assert torch.equal(run_context.sample, run_context.dataset.inputs[torch.tensor([0])])


def test_a_method_with_swap_twins_is_measured_without_them(tmp_path: Path) -> None:
    """A step of a twin costs what a step of its model does."""
    path = tmp_path / "spec.yaml"
    path.write_text(
        SPEC.replace("  twins: false\n", "").replace("loss-threshold", "counterfactual")
    )

    found = measure_step(load_spec(path, registry=load_plugins().registry), load_plugins().registry)

    assert found.step_seconds > 0
