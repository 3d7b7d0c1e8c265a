"""Trial of third-party components on a few samples and an untrained network, before training.

A component that fails in it would fail hours later as well. Built-in components are left out, since
the tests of SafeCompress try them. What only a trained model or the pools' true size reveals is
reported when it happens.
"""

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from safecompress_core.api import Need, Params, Role
from safecompress_core.attacks.adversary import Attacker
from safecompress_core.choose.aggregator import Aggregator, Objectives
from safecompress_core.context.run_context import RunContext
from safecompress_core.data.pools import Pool
from safecompress_core.errors import (
    AccessError,
    ComponentError,
    MissingExtraError,
    SafeCompressError,
)
from safecompress_core.games.game import ScoredGame
from safecompress_core.games.manifest import MEMBERSHIP
from safecompress_core.games.play import Attack, ObservedPool, observe_pool
from safecompress_core.host.boundary import owner_of
from safecompress_core.metric import Subject
from safecompress_core.networks.classifier import Classifier
from safecompress_core.preflight.attack_checks import each_attack
from safecompress_core.preflight.defence_checks import list_defences, strategy_parts
from safecompress_core.problems import Problem
from safecompress_core.sparse.selection import random_positions
from safecompress_core.sparse.strategy import History, LossGradients
from safecompress_core.sparse.topology import Topology
from safecompress_core.specfile.checks.measure_checks import measure_weights
from safecompress_core.specfile.models.components import definition_of
from safecompress_core.training.defence import Batch, Defence, Step

__all__ = ["trial"]

TRIED = 8
"""Members, and as many others, on which components are tried."""
DENSITY, FRACTION = 0.5, 0.3
"""Of the topology that strategies are tried on, and of its update."""


def trial(run_context: RunContext) -> Iterator[Problem]:
    """Call each third-party component once.

    Yields:
        Attackers that read more than they declare.

    Raises:
        ComponentError: if a component raises, or answers against its interface.
        MissingExtraError: if one needs a package that is not installed.
    """
    # Outside, since attackers silence warnings themselves and their problems are yielded.
    yield from _attackers(run_context)
    with warnings.catch_warnings():
        # Untrained networks and eight samples cause warnings that no real run would show.
        warnings.simplefilter("ignore")
        _measures(run_context)
        _strategies(run_context)
        _defences(run_context)


def _is_foreign(run_context: RunContext, params: Params) -> bool:
    registry = run_context.registry
    return not registry.origin(registry.definition_of(params)).is_built_in


def _few(run_context: RunContext) -> Pool:
    pool = run_context.pools.attack_train
    return Pool(pool.name, pool.members[:TRIED], pool.non_members[:TRIED])


def _attackers(run_context: RunContext) -> Iterator[Problem]:
    """Try attackers on a few samples; one that fails may need more, and gets the whole pool.

    Reference models there are none yet.
    """
    tried = [
        (path, attack)
        for path, attack in each_attack(run_context)
        # Only games that score samples can be tried without a full play.
        if isinstance(attack.game, ScoredGame) and _is_foreign(run_context, attack.params)
    ]
    network = run_context.create_network() if tried else None
    for path, attack in tried:
        assert network is not None  # there are some
        try:
            _attack(
                run_context, attack, observe_pool(network, run_context.dataset, _few(run_context))
            )
        except AccessError as error:
            message = f"{attack.id!r} reads more than it declares: {error}"
            hint = "take it out; its plugin has to declare the access that it needs"
            yield Problem((*path, "type"), message, hint)
        # Too few samples may be the reason, so the whole pool decides; references do not exist yet.
        except ComponentError:
            if Need.REFERENCES not in attack.definition.needs:
                _attack(
                    run_context,
                    attack,
                    observe_pool(network, run_context.dataset, run_context.pools.attack_train),
                )
        # Not a fault of the component: the user has to install something.
        except MissingExtraError:
            raise
        except SafeCompressError:  # too few samples, say
            continue


def _attack(run_context: RunContext, attack: Attack, observed: ObservedPool) -> None:
    # The network itself stands for the dense model, for another version and for its twin.
    observed = replace(
        observed, uncompressed=observed.seen, versions=(observed.seen,), twin=observed.seen
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        attacker: Attacker = run_context.registry.create(attack.params)
        attacker.fit(attack.adversary_knowledge(observed, is_known=True), generator=_generator())
        attacker.score(attack.adversary_knowledge(observed, is_known=False))


def _measures(run_context: RunContext) -> None:
    """Metrics on a few samples, and the aggregator on made-up candidates."""
    foreign = [params for params in run_context.spec.metrics if _is_foreign(run_context, params)]
    if foreign:
        network = run_context.create_network()
        asked = observe_pool(network, run_context.dataset, _few(run_context))
        subject = Subject(
            # The network itself stands for the uncompressed one.
            asked=replace(asked, uncompressed=asked.seen),
            file_bytes=1,
            network=network,
            sample=run_context.sample.to(network.device),
            seed=run_context.seed,
            create=run_context.registry.create,
        )
        for params in foreign:
            run_context.registry.create(params).measure(subject)
    if _is_foreign(run_context, run_context.spec.choose):
        aggregator: Aggregator = run_context.registry.create(run_context.spec.choose)
        # Three candidates without order, so that a rule that needs variation finds some.
        utilities = np.array([[0.2], [0.4], [0.3]])
        objectives = Objectives(
            performance=np.array([0.5, 0.7, 0.6]),
            advantage=utilities,
            attack_accuracy=0.5 + utilities / 2,
            weights=np.ones(1),
            attackers=("trial",),
            games=(MEMBERSHIP.name,),
            costs=dict.fromkeys(measure_weights(run_context.spec), utilities[:, 0]),
        )
        aggregator.utilities(objectives)
        aggregator.win_shares(objectives)


def _strategies(run_context: RunContext) -> None:
    """Each part of a strategy, with gradients drawn at random."""
    parts = [
        params
        for _, params in strategy_parts(run_context.spec.method)
        if _is_foreign(run_context, params)
    ]
    if not parts:
        return
    network = run_context.create_network()
    weights = {name: weight.detach().cpu() for name, weight in network.sparse_parameters().items()}
    for params in parts:
        STRATEGIES[definition_of(params).role](run_context.registry.create(params), weights)


def _initial(part: Any, weights: Mapping[str, Tensor]) -> None:
    loss_gradients = LossGradients(gradients=_noise(weights), curvature=_noise(weights))
    # Only parts that ask for gradients get them, as in a run.
    asked = {"loss_gradients": loss_gradients} if part.gradient_batches else {}
    part.topology(weights, DENSITY, inherited=False, generator=_generator(), **asked)


def _prune(part: Any, weights: Mapping[str, Tensor]) -> None:
    asked = {"gradients": _noise(weights)} if part.gradient_batches else {}
    part.drop(weights, _topology(weights), fraction=FRACTION, **asked)


def _grow(part: Any, weights: Mapping[str, Tensor]) -> None:
    topology, generator = _topology(weights), _generator()
    # ``replaceable`` keeps a layer's last weight, as the real update does.
    counts = {name: int(FRACTION * limit) for name, limit in topology.replaceable().items()}
    dropped = {
        name: random_positions(mask, counts[name], generator=generator)
        for name, mask in topology.masks.items()
    }
    history = History(explored=topology, momentum=_noise(weights), dropped=dropped)
    asked = {"history": history} if part.needs_history else {}
    gradients = _noise(weights) if part.gradient_batches else None
    part.grow(topology, counts, gradients=gradients, generator=generator, **asked)


STRATEGIES = {Role.INITIAL: _initial, Role.PRUNE: _prune, Role.GROW: _grow}


def _topology(weights: Mapping[str, Tensor]) -> Topology:
    generator = _generator()
    masks = {
        name: random_positions(
            torch.ones_like(weight, dtype=torch.bool),
            # At least one: a layer without any active weight is refused.
            max(1, int(DENSITY * weight.numel())),
            generator=generator,
        )
        for name, weight in weights.items()
    }
    return Topology.from_masks(masks)


def _defences(run_context: RunContext) -> None:
    """Each defence by itself, in one step; those that need other models or samples are left out."""
    for _, params in list_defences(run_context):
        asks = definition_of(params)
        # What these read does not exist before training.
        others = {Need.REFERENCE_DATA, Need.UNCOMPRESSED}
        if not _is_foreign(run_context, params) or asks.needs & others:
            continue
        if asks.held_out is None:
            _step(run_context, run_context.registry.create(params), run_context.create_network())


def _step(run_context: RunContext, defence: Defence, network: Classifier) -> None:
    card, generator = run_context.dataset.card, _generator()
    defence.prepare(
        representation=network.width,
        classes=card.classes,
        attributes=card.attributes,
        generator=generator,
    )
    defence.guard = defence.make_guard(classes=card.classes, generator=generator)
    defence.to(network.device)
    batch = _batch(run_context, network).repeated(defence.views)
    batch = defence.transform(batch, generator=generator)
    batch = defence.challenge(batch, network, generator=generator)
    # Train mode, as defences meet the network in training.
    network.train()
    with defence.inside(network):
        seen = network.forward_with_representation(batch.inputs)
    losses = batch.cross_entropy(seen.logits)
    step = Step(
        batch=batch,
        logits=seen.logits,
        representation=seen.representation,
        losses=losses,
        epoch=0,
        weights=network.sparse_parameters(),
        network=network,
    )
    defence.oppose(step, generator=generator)
    # The order of a real step: oppose, loss, backward, adjust, review.
    loss = defence.loss(step, losses.mean())
    owner = owner_of(defence)
    # A defence's own loss only; without an owner it is core's, which tests cover.
    if owner is not None and not bool(loss.isfinite()):
        raise owner.error(
            f"{owner.label}: loss() returned {float(loss)} for {len(losses)} samples and an "
            "untrained network; it must return a finite number"
        )
    loss.backward()
    defence.adjust(step, generator=generator)
    defence.review(network, epoch=0)


def _batch(run_context: RunContext, network: Classifier) -> Batch:
    """A few members."""
    rows = run_context.pools.members[:TRIED]
    dataset, device = run_context.dataset, network.device
    return Batch(
        inputs=dataset.inputs[rows].to(device),
        labels=dataset.labels[rows].to(device),
        attributes={
            name: attribute.values[rows].to(device)
            for name, attribute in dataset.attributes.items()
        },
        rows=torch.arange(len(rows), device=device),
    )


def _noise(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    generator = _generator()
    return {
        name: torch.randn(weight.shape, generator=generator) for name, weight in weights.items()
    }


def _generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)
