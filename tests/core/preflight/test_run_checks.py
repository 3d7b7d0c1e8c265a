"""What only data, model or machine can tell is wrong is said before anything trains."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from safecompress_core.context.run_context import RunContext
from safecompress_core.networks.classifier import Classifier
from safecompress_core.preflight.run_checks import require_feasible
from tests.core.fixtures.refusals import line, refusal

Prepare = Callable[..., RunContext]


def test_a_spec_that_works_is_no_trouble(prepare: Prepare) -> None:
    """Nothing is raised."""
    require_feasible(prepare())


def test_a_density_that_empties_a_layer_names_one_that_does_not(
    prepare: Prepare, tmp_path: Path
) -> None:
    """By file and line, with the smallest that works."""
    found = refusal(prepare(method__density=0.0005))

    assert found == [
        f"{line(tmp_path, 'density')}: method.density: density 0.0005 leaves 1.weight, 3.weight "
        "without a single weight; the smallest density that leaves no layer empty is 0.005; "
        "ask for more"
    ]
    named = float(found[0].split(" is ")[1].split(";")[0])
    require_feasible(prepare(method__density=named))


def test_more_rounds_than_epochs_are_refused(prepare: Prepare, tmp_path: Path) -> None:
    """A candidate that is not trained at all cannot be told from its parent."""
    assert refusal(prepare(method__rounds=5)) == [
        f"{line(tmp_path, 'rounds')}: method.rounds: 5 rounds do not fit into the 4 "
        "training.epochs that are theirs; write at most 4"
    ]
    require_feasible(prepare(method__rounds=4))
    assert refusal(prepare(method__rounds=4, method__tests_from=0.5))[0].endswith(
        "4 rounds do not fit into the 2 training.epochs that are theirs; write at most 2"
    )
    assert refusal(prepare(method__rounds=1, method__tests_from=0.9))[0].endswith(
        "1 rounds do not fit into the 0 training.epochs that are theirs; lower method.tests_from"
    )


def test_a_device_that_is_not_there_is_refused(
    prepare: Prepare, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Before torch fails with words of its own."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)

    assert refusal(prepare(device="cuda")) == [
        f"{line(tmp_path, 'device')}: device: this machine has no cuda device that torch can use; "
        "write auto, or cpu"
    ]


def test_a_layer_that_the_model_lacks_is_refused_with_those_that_it_has(
    prepare: Prepare, tmp_path: Path
) -> None:
    """Parameters and modules may be named, and nothing else; each is looked at by itself."""
    whitebox = {"type": "neural-whitebox", "layers": ["1.weight", "3", "conv"]}

    [found] = refusal(prepare(audit__attackers=[whitebox]))

    assert found.startswith(f"{line(tmp_path, 'conv')}: audit.attackers.0.layers.2: ")
    assert found.endswith(
        "no module 'conv'; its parameters are: 1.weight, 1.bias, 3.weight, 3.bias; "
        "name one of them, or a module that holds some"
    )


def test_an_attribute_that_the_data_lack_is_refused_wherever_it_is_named(
    prepare: Prepare, tmp_path: Path
) -> None:
    """Attackers of either list and defences, for data whose definition could not tell."""
    digit = {"attribute": "digit"}
    run_context = prepare(
        attackers=[{"type": "attribute-probe", **digit}],
        audit__attackers=[{"type": "attribute-probe", "id": "other", "classifier": "mlp", **digit}],
        method__defences=[{"type": "gradient-reversal", **digit}],
    )
    run_context.samples.__dict__["dataset"] = replace(run_context.dataset, attributes={})

    found = refusal(run_context)

    assert [problem.split(": ")[1] for problem in found] == [
        "method.defences.0.attribute",
        "attackers.0.attribute",
        "audit.attackers.0.attribute",
    ]
    assert found[0].endswith("the data has no attribute 'digit'; use one of: none")


def test_who_asks_about_other_values_needs_the_attribute_in_the_input(
    prepare: Prepare, tmp_path: Path
) -> None:
    """The digit of an image is nowhere written in it; a pixel would be."""
    asking = {"type": "attribute-by-membership", "attribute": "digit"}
    run_context = prepare(audit__attackers=[asking])

    assert refusal(run_context) == [
        f"{line(tmp_path, 'digit')}: audit.attackers.0.attribute: 'attribute-by-membership' asks "
        "the model about other values of 'digit', which is not a part of its input; make the "
        "attribute an input, or take another attacker"
    ]
    digit = replace(run_context.dataset.attributes["digit"], columns=(0,), codes=torch.ones(10, 1))
    data = replace(run_context.dataset, attributes={"digit": digit})
    run_context.samples.__dict__["dataset"] = data
    require_feasible(run_context)


def test_a_gate_on_an_error_needs_a_numeric_attribute(prepare: Prepare, tmp_path: Path) -> None:
    """A digit has no distance to another one; with numbers it would."""
    probe = {"type": "attribute-probe", "attribute": "digit"}
    gates = [
        {"measure": "attribute.mae", "at_least": 1},
        {"measure": "attribute.lift", "at_least": 0.1},
    ]
    run_context = prepare(audit__attackers=[probe], gate=gates)

    assert refusal(run_context) == [
        f"{line(tmp_path, 'attribute.mae')}: gate.0.measure: 'attribute.mae' needs an attack on a "
        "numeric attribute; ask for lift or advantage"
    ]
    digit = run_context.dataset.attributes["digit"]
    numeric = replace(digit, numbers=digit.values.double())
    run_context.samples.__dict__["dataset"] = replace(
        run_context.dataset, attributes={"digit": numeric}
    )
    require_feasible(run_context)


def test_data_that_contradict_themselves_are_refused_at_their_place(
    prepare: Prepare, tmp_path: Path
) -> None:
    """Before pools are cut, and all that is wrong with them at once."""
    run_context = prepare()
    inputs, labels = run_context.original.inputs.clone(), run_context.original.labels.clone()
    inputs[[5, 9]] = torch.nan
    labels[7] = 14
    run_context.samples.__dict__["original"] = replace(
        run_context.original, inputs=inputs, labels=labels
    )

    place = line(tmp_path, '"data"')
    assert refusal(run_context) == [
        f"{place}: task.data: {message}; correct the data, or what loads them"
        for message in (
            "label 14 of sample 7 is outside [0, 14), and so are 1 in all",
            "2 of 1797 samples hold numbers that are not finite; the first is sample 5",
        )
    ]


def test_there_must_be_a_performance_to_choose_by(prepare: Prepare, tmp_path: Path) -> None:
    """The size of a file is none."""
    assert refusal(prepare(metrics=[{"type": "file-bytes"}])) == [
        f"{line(tmp_path, 'metrics')}: metrics: no metric is a mean over samples, so there is no "
        "performance to choose by; add {type: accuracy}"
    ]


@pytest.mark.parametrize(
    ("members", "message"),
    [
        (1796, "pool 'attack_train' would have 1 non-members"),
        (1789, "pool 'attack_train' has 3 non-members, and the audit's null control needs 4"),
        (
            1763,
            "pool 'audit' has 529 members and 10 non-members, and the audit's planted-leak control "
            "needs 11 of either to be sure of anything",
        ),
    ],
)
def test_pools_that_are_too_small_are_refused(prepare: Prepare, members: int, message: str) -> None:
    """Rather than after an hour, when the audit finds too few samples."""
    found = refusal(prepare(pools={"members": members}))

    assert message in found[0]
    assert {problem.split(": ")[1] for problem in found} == {"pools"}


def test_a_pool_that_is_too_small_has_one_hint(prepare: Prepare, tmp_path: Path) -> None:
    """The error's own hint is not followed by another one."""
    assert refusal(prepare(pools={"members": 3})) == [
        f"{line(tmp_path, 'pools')}: pools: pool 'attack_train' would have 1 members, but needs at "
        "least 2; give it a larger share or use more data"
    ]


def test_a_small_pool_will_do_where_no_membership_is_audited(prepare: Prepare) -> None:
    """There is no null control then."""
    require_feasible(prepare(pools={"members": 1789}, audit__attackers=[]))


def test_a_model_without_a_linear_layer_is_refused(prepare: Prepare) -> None:
    """It has no representation that could be observed."""
    run_context = prepare()
    run_context.__dict__["create_network"] = lambda: Classifier(
        nn.Sequential(nn.Flatten(), nn.ReLU())
    )

    [found] = refusal(run_context)

    assert "task.model: the model has no linear layer, so it has no representation" in found


def test_later_checks_wait_for_earlier_ones(prepare: Prepare, monkeypatch: Any) -> None:
    """On a device that is not there, no network is made."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)

    [found] = refusal(prepare(device="cuda", method__rounds=100))

    assert "device" in found


def test_a_model_that_does_not_fit_its_samples_is_refused(prepare: Prepare) -> None:
    """With what to do about it."""
    [found] = refusal(prepare(task__model={"type": "vgg16"}))

    assert "task.model: vgg16 reduces images of 8 × 8 to nothing; use larger images" in found


def test_outputs_have_to_be_as_many_as_labels(prepare: Prepare) -> None:
    """A model of somebody's own may count otherwise."""
    run_context = prepare()
    network = run_context.create_network()
    run_context.__dict__["create_network"] = lambda: Classifier(nn.Linear(4, 3))

    [found] = refusal(run_context)

    labels = len(run_context.dataset.classes)
    assert network.head.out_features == labels
    assert f"the model has 3 outputs, and the data have {labels} labels" in found


def test_a_pattern_that_fits_no_weight_is_refused(prepare: Prepare) -> None:
    """With the weights that there are."""
    [found] = refusal(prepare(task__sparsify={"include": ["encoder.*"]}))

    assert "task.sparsify: the pattern 'encoder.*' fits no weight; there are: 1.weight" in found


def test_a_representation_that_is_not_there_is_refused(prepare: Prepare) -> None:
    """With the modules that there are."""
    [found] = refusal(prepare(task__representation="pooler"))

    assert "task.representation: the model has no module 'pooler'; it has: 0, 1" in found
    assert "; name one of them; " in found


def test_texts_need_a_model_that_reads_them(prepare: Prepare) -> None:
    """A network for numbers would have no input at all."""
    run_context = prepare()
    data = replace(
        run_context.original,
        inputs=torch.zeros(len(run_context.original), 0),
        texts=("word",) * len(run_context.original),
    )
    run_context.samples.__dict__["original"] = data

    [found] = refusal(run_context)

    assert "task.model: the samples are texts, which this model cannot read; use a model" in found


def test_a_label_of_one_side_is_refused(prepare: Prepare, tmp_path: Path) -> None:
    """It tells membership whatever the model answers; attacks on other things do not mind."""
    run_context = prepare(pools={"members": "given"})
    data = run_context.original
    is_member = torch.arange(len(data)) % 2 == 0
    is_member[data.labels == 3] = True
    vars(run_context.samples)["original"] = replace(data, is_member=is_member)

    name, count = data.classes[3], int((data.labels == 3).sum())
    assert refusal(run_context) == [
        f"{line(tmp_path, 'data')}: task.data: only members have this label: {name!r} ({count} "
        "samples); a label of one side reveals membership whatever the model answers; write labels "
        "of members and non-members alike, or leave out samples of these labels"
    ]


def test_a_select_pool_that_is_too_small_to_swap_is_refused(
    prepare: Prepare, tmp_path: Path
) -> None:
    """Before anything trains, at the share that has to grow."""
    twinned = {"method__twins": True, "attackers": [{"type": "counterfactual"}]}
    pools = {"members": 0.5, "attack_train": 0.695, "select": 0.005, "audit": 0.3}

    found = refusal(prepare(**twinned, pools=pools))

    assert found == [
        f"{line(tmp_path, 'select')}: pools.select: a swap twin exchanges at least 10 samples of "
        "either side, and pool 'select' has 5 members and 4 non-members; give it a larger share or "
        "use more data"
    ]
