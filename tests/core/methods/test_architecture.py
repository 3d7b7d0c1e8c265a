"""The spec's model, and what else could be built for the same samples."""

from collections.abc import Callable

import torch

from safecompress_core.context.run_context import RunContext

Prepare = Callable[..., RunContext]


def test_the_same_weights_are_built_at_every_call(prepare: Prepare) -> None:
    """For any model: also one that is no part of the spec."""
    architecture = prepare().architecture
    other = architecture.narrow(0.5)
    assert other is not None

    for model in (architecture.model, other):
        first, second = (architecture.build(model).state_dict() for _ in range(2))
        assert all(torch.equal(one, second[name]) for name, one in first.items())


def test_a_narrower_model_has_fewer_units(prepare: Prepare) -> None:
    """Hidden layers of 8 and 6 become 4 and 3; it takes the same samples."""
    architecture = prepare(task__model__hidden=[8, 6]).architecture

    narrower = architecture.narrow(0.5)

    assert narrower is not None
    assert narrower.model_dump()["hidden"] == [4, 3]
    logits = architecture.build(narrower)(architecture.sample)
    assert logits.shape == architecture.build(architecture.model)(architecture.sample).shape


def test_a_model_that_cannot_be_narrower_says_so(prepare: Prepare) -> None:
    """Its definition does not say how."""
    registry = prepare().registry
    prepared = prepare(task__model={"type": "lenet"})

    assert registry.definition_of(prepared.spec.task.model).narrowed is None
    assert prepared.architecture.narrow(0.5) is None
