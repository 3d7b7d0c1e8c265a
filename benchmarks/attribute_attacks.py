"""What attacks on a private attribute find in a model of Adult, beside a guess without the model.

    OMP_NUM_THREADS=1 python benchmarks/attribute_attacks.py

The task is `occupation` (15 values); the model a dense 256-256 MLP, trained for 40 epochs of Adam
on 4,000 members. As many non-members are drawn; half of either side is attack-train, nearly all of
the other half is asked about. Every other column but `fnlwgt`, `relationship`, `marital-status` and
the private attribute is an input and public. The attribute itself is left out of the input, or is
a part of it. Data: UCI Adult, `adult.csv` in the folder that SAFECOMPRESS_DATA names, or in
../shared/data.
"""

import argparse
import csv
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from safecompress_core.api import AttackerDef, AttackerParams, Kind
from safecompress_core.data.dataset import Attribute, Dataset
from safecompress_core.data.pools import SamplePools, build_pools
from safecompress_core.games.attack_result import AttackResult
from safecompress_core.games.play import Attack, ObservedPool, observe_pool
from safecompress_core.host import Registry, load_plugins
from safecompress_core.networks.classifier import Classifier
from safecompress_core.seeding import Seed

MEMBERS = 4000
NUMBERS = ("age", "education-num", "capital-gain", "capital-loss", "hours-per-week")
LEFT_OUT = ("fnlwgt", "relationship", "marital-status")
AGES = (22, 27, 32, 37, 42, 47, 52, 60)  # nine intervals of age

ATTACKS: tuple[dict[str, Any], ...] = (
    {"type": "attribute-blackbox"},
    {"type": "attribute-blackbox", "id": "blackbox-boosting", "classifier": "boosting"},
    {"type": "attribute-probe"},
    {"type": "attribute-probe", "id": "probe-boosting", "classifier": "boosting"},
    {"type": "attribute-neurons"},
)
QUERIES: tuple[dict[str, Any], ...] = (
    {"type": "attribute-imputation-gain", "id": "imputation-gain"},
    {"type": "attribute-imputation-gain", "id": "gain-posterior", "by": "posterior"},
    {
        "type": "attribute-imputation-gain",
        "id": "gain-posterior-features",
        "by": "posterior",
        "prior": "features",
    },
    {"type": "attribute-imputation-gain", "id": "csmia", "by": "csmia"},
    {"type": "attribute-by-membership", "id": "by-membership"},
    {"type": "attribute-by-membership", "id": "by-membership-features", "prior": "features"},
)


def adult(rows: list[dict[str, str]], private: str, *, is_input: bool) -> Dataset:
    """`occupation` from the other columns; one of them is private."""
    codes, names = _coded(rows, "occupation")
    attribute = _attribute(rows, private)
    blocks: list[Tensor] = []
    features: dict[str, tuple[int, ...]] = {}
    width = 0
    for column in rows[0]:
        if column in (*LEFT_OUT, "occupation") or (column == private and not is_input):
            continue
        block = _block(rows, column)
        places = tuple(range(width, width + block.shape[1]))
        width += block.shape[1]
        blocks.append(block)
        if column == private:
            of_value = [block[attribute.values == value] for value in range(len(attribute.names))]
            medians = torch.stack([one.median(dim=0).values for one in of_value])
            attribute = Attribute(
                attribute.values, attribute.names, attribute.numbers, places, medians
            )
        else:
            features[column] = places
    return Dataset(
        inputs=torch.cat(blocks, dim=1),
        labels=codes,
        classes=names,
        attributes={private: attribute},
        features=features,
    )


def _attribute(rows: list[dict[str, str]], name: str) -> Attribute:
    if name not in NUMBERS:
        return Attribute(*_coded(rows, name))
    numbers = torch.tensor([float(row[name]) for row in rows], dtype=torch.float64)
    edges = torch.tensor(AGES, dtype=torch.float64)
    named = tuple(f"from {low}" for low in (0, *AGES))
    return Attribute(torch.bucketize(numbers, edges, right=True), named, numbers)


def _coded(rows: list[dict[str, str]], column: str) -> tuple[Tensor, tuple[str, ...]]:
    names = sorted({row[column] for row in rows})
    return torch.tensor([names.index(row[column]) for row in rows]), tuple(names)


def _block(rows: list[dict[str, str]], column: str) -> Tensor:
    """Numbers standardised, categories one column each, shape (N, K), float32."""
    if column in NUMBERS:
        numbers = torch.tensor([float(row[column]) for row in rows])
        return ((numbers - numbers.mean()) / numbers.std())[:, None]
    values, names = _coded(rows, column)
    return F.one_hot(values, len(names)).float()


def trained(dataset: Dataset, members: Tensor, seed: Seed, *, epochs: int) -> Classifier:
    """A dense MLP, Adam at 0.001, 64 samples a batch."""
    generator = seed.torch()
    width, classes = dataset.inputs.shape[1], len(dataset.classes)
    layers = (nn.Linear(width, 256), nn.Linear(256, 256), nn.Linear(256, classes))
    with torch.no_grad():
        for layer in layers:
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu", generator=generator)
            nn.init.zeros_(layer.bias)
    network = nn.Sequential(layers[0], nn.ReLU(), layers[1], nn.ReLU(), layers[2])
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3, fused=True)
    for _ in range(epochs):
        for batch in members[torch.randperm(len(members), generator=generator)].split(64):
            optimizer.zero_grad()
            F.cross_entropy(network(dataset.inputs[batch]), dataset.labels[batch]).backward()
            optimizer.step()
    return Classifier(network)


def judged(
    registry: Registry,
    declared: Mapping[str, Any],
    known: ObservedPool,
    asked: ObservedPool,
    seed: Seed,
) -> tuple[str, AttackResult, float]:
    """One attack, and the seconds it took."""
    definition = registry.get(Kind.ATTACKER, declared["type"])
    assert isinstance(definition, AttackerDef)
    own = {key: value for key, value in declared.items() if key != "type"}
    params = definition.params.model_validate(own)
    assert isinstance(params, AttackerParams)
    name = params.id or definition.name
    attack = Attack(id=name, definition=definition, params=params)
    start = time.perf_counter()
    attacker = registry.create(params)
    attacker.fit(
        attack.adversary_knowledge(known, is_known=True), generator=seed.child("fit", name).torch()
    )
    return name, attack.measure(attacker, known, asked), time.perf_counter() - start


def world(rows: list[dict[str, str]], private: str, *, is_input: bool, seed: Seed) -> None:
    """Train, attack, print a table."""
    dataset = adult(rows, private, is_input=is_input)
    pools: SamplePools = build_pools(
        dataset.labels,
        members=MEMBERS,
        attack_train=0.5,
        select=0.01,
        audit=0.49,
        generator=seed.child("pools").torch(),
    )
    network = trained(dataset, pools.members, seed.child("network"), epochs=40)
    known, asked = (
        observe_pool(network, dataset, pool) for pool in (pools.attack_train, pools.audit)
    )
    is_right = (asked.seen.predictions == asked.seen.labels).double()
    sides = [float(is_right[asked.pool.is_member == side].mean()) for side in (True, False)]
    print(f"\n{private}, {'as input' if is_input else 'not an input'}:", end=" ")
    print(f"accuracy {sides[0]:.3f} on members, {sides[1]:.3f} on non-members")
    registry = load_plugins(environ={"SAFECOMPRESS_PLUGINS": ""}).registry
    for row in _lines(registry, dataset, known, asked, seed):
        print(row, flush=True)


def _lines(
    registry: Registry, dataset: Dataset, known: ObservedPool, asked: ObservedPool, seed: Seed
) -> Iterator[str]:
    [(private, attribute)] = dataset.attributes.items()
    attacks = (*ATTACKS, *QUERIES) if attribute.columns else ATTACKS
    is_numeric = attribute.numbers is not None
    measure = "MAE" if is_numeric else "accuracy"
    for position, declared in enumerate(attacks):
        own = {**declared, "attribute": private}
        name, found, seconds = judged(registry, own, known, asked, seed)
        error = found.absolute_error
        rule = error.rule if error else found.baseline_rule
        baseline = error.baseline if error else found.baseline
        figure = error.mae if error else found.accuracy
        lift = error.lift if error else found.lift
        assert lift is not None
        if not position:
            yield f"best guess without the model: {rule}, {measure} {baseline:.3f}"
            yield (
                f"| attack | {measure} | lift over the guess | of members | of non-members | "
                "advantage | seconds |"
            )
            yield "|---|---|---|---|---|---|---|"
        cells = (
            f"`{name}`",
            f"{figure.value:.3f}",
            f"{lift.value:+.3f} ({lift.low:+.3f} to {lift.high:+.3f})",
            *(f"{_gain(found)[found.is_member == side].mean():+.3f}" for side in (True, False)),
            f"{found.advantage.value:.3f}",
            f"{seconds:.1f}",
        )
        yield f"| {' | '.join(cells)} |"


def _gain(found: AttackResult) -> np.ndarray:
    """What each sample contributes to the lift, shape (N,)."""
    if found.absolute_error is not None:
        return found.absolute_error.baseline_errors - found.absolute_error.errors
    assert found.baseline_correct is not None
    return found.correct.astype(np.float64) - found.baseline_correct


def main() -> None:
    """Four tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=18)
    options = parser.parse_args()
    folder = Path(os.environ.get("SAFECOMPRESS_DATA", "../shared/data"))
    with (folder / "adult.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    seed = Seed(options.seed)
    drawn = seed.child("rows").numpy().choice(len(rows), 2 * MEMBERS, replace=False)
    rows = [rows[index] for index in np.sort(drawn)]
    for private in ("sex", "age"):
        for is_input in (False, True):
            world(rows, private, is_input=is_input, seed=seed.child(private, str(is_input)))


if __name__ == "__main__":
    main()
