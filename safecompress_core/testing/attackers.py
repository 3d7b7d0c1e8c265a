"""Conformance tests of attackers.

The kit makes up a small model whose leak is known, since it writes the representation itself:
planted, every attack of the game has to find it; left out, none may find anything.
"""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from importlib import import_module
from math import sqrt
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from safecompress_core.api import AttackerDef, AttackerParams, CombinedAttackerDef, Need, Part
from safecompress_core.attacks.adversary import AdversaryKnowledge, Attacker
from safecompress_core.attacks.observations import Observations, observe
from safecompress_core.attacks.public_features import AttributeEncoding
from safecompress_core.attacks.reference_answers import ReferenceAnswers
from safecompress_core.networks.classifier import Classifier
from safecompress_core.testing.manifest import DefinitionConformance

__all__ = ["AttackerConformance"]

# N samples · C classes · H hidden units · V attribute values

CLASSES, HIDDEN, VALUES = 4, 8, 3
PUBLIC = torch.arange(VALUES, HIDDEN)  # columns; before them an attribute that is an input
SAMPLES = 400  # of each pool; half of them members
FEW = 100  # samples where a check needs no accuracy
REFERENCES = 8  # models, each trained on about half of the samples
LEAK = 6.0  # in logits
CHANCE = 4  # standard errors; chance alone goes beyond them once in 30,000 times
ENOUGH = 0.8  # AUC or balanced accuracy; an attack that only sees right or wrong reaches 0.87

FITTED: dict[type["AttackerConformance"], Attacker] = {}


class AttackerConformance(DefinitionConformance):
    """Subclass it, name your definition, and pytest runs the checks.

    ::

        class TestGap(AttackerConformance):
            definition = GAP

    Every piece of evidence is cut down to the access that the definition declares, so an attacker
    that reads more fails with an ``AccessError``. Private attributes have three values. An
    attacker that declares ``Need.REFERENCES`` gets eight of them; one that declares
    ``Need.UNCOMPRESSED`` gets the reactions of a second model, which leaks nothing, one that
    declares ``Need.VERSIONS`` those of two of these, one that declares ``Need.TWIN`` those of a
    swap twin, which has seen the non-members instead. One that declares ``Need.ENCODING`` meets an
    attribute that is a part of the model's input. Of the samples themselves an attack on an
    attribute sees what is public, and all else as 0.

    Attributes:
        definition: the attacker's definition.
        params: what a spec would write for it; an attribute may have any name.
        parts: of an attacker that is made of others, the definition and parameters of each.
    """

    definition: ClassVar[AttackerDef | CombinedAttackerDef]
    params: ClassVar[Mapping[str, Any]] = {}
    parts: ClassVar[Sequence[tuple[AttackerDef, Mapping[str, Any]]]] = ()

    @property
    def definition_of_attacker(self) -> AttackerDef:
        """Return its definition; for an ensemble with the needs of its members."""
        if isinstance(self.definition, CombinedAttackerDef):
            return self.definition.of([definition for definition, _ in self.parts])
        return self.definition

    def attacker(self) -> Attacker:
        """A fresh attacker."""
        given = dict(self.params)
        if not self.parts:
            return self._build(self.definition_of_attacker, given)
        # Parameters of members are needed before the ensemble's own are validated.
        parts = tuple(self._part(definition, dict(params)) for definition, params in self.parts)
        given["attackers"] = [part.params for part in parts]
        return self._build(self.definition_of_attacker, given, parts)

    def _part(self, definition: AttackerDef, given: dict[str, Any]) -> Part:
        params = definition.params.model_validate(given)
        assert isinstance(params, AttackerParams)
        return Part(definition=definition, params=params, attacker=self._build(definition, given))

    @staticmethod
    def _build(
        definition: AttackerDef, given: dict[str, Any], *parts: tuple[Part, ...]
    ) -> Attacker:
        module, _, name = definition.target.partition(":")
        params = definition.params.model_validate(given)
        built: Attacker = getattr(import_module(module), name)(params, *parts)
        return built

    def fit(self, known: AdversaryKnowledge, *, seed: int = 0) -> Attacker:
        """An attacker that has learned from ``known``."""
        attacker = self.attacker()
        attacker.fit(known, generator=torch.Generator().manual_seed(seed))
        return attacker

    def shared(self) -> Attacker:
        """The attacker that has learned the planted leak, fitted once for a class.

        Checks share it, so they neither fit nor adapt it; scoring leaves an attacker as it was.
        """
        # by class: a subclass has other parameters, and an attacker of its own
        if type(self) not in FITTED:
            FITTED[type(self)] = self.fit(self.adversary_knowledge(seed=1))
        return FITTED[type(self)]

    def adversary_knowledge(self, *, leak: float = LEAK, seed: int = 0) -> AdversaryKnowledge:
        """Return a pool at the attacker's access and its truth; no leak: a null control."""
        make = {"membership": _membership_pool, "attribute": _attribute_pool}
        generator = torch.Generator().manual_seed(seed)
        made = (
            _encoded_attribute_pool
            if Need.ENCODING in self.definition_of_attacker.needs
            else make[self.definition_of_attacker.game]
        )
        full = made(leak, generator)
        seen = full.seen.restrict(self.definition_of_attacker.access)
        if self.definition_of_attacker.game == "attribute":
            seen = seen.with_visible_columns(
                PUBLIC if Need.ENCODING in self.definition_of_attacker.needs else PUBLIC[:0]
            )
        return replace(
            full,
            seen=seen,
            # The order of draws is fixed: references come after the pool from the same generator.
            references=_references(full.seen.labels, leak, generator)
            if Need.REFERENCES in self.definition_of_attacker.needs
            else None,
            uncompressed=_observe_uncompressed(full.seen).restrict(
                self.definition_of_attacker.access
            )
            if Need.UNCOMPRESSED in self.definition_of_attacker.needs
            else None,
            versions=_versions(full.seen, self.definition_of_attacker),
            twin=_observe_twin(full, leak, generator).restrict(self.definition_of_attacker.access)
            if Need.TWIN in self.definition_of_attacker.needs
            else None,
        )

    def scores(self, attacker: Attacker, pool: AdversaryKnowledge) -> Tensor:
        """Answers of the right shape and without NaN; the truth is hidden from the attacker."""
        # Without the truth, as in a real game.
        scores = attacker.score(replace(pool, truth=None))
        count = len(pool.seen)
        shape = (
            (count,) if self.definition_of_attacker.game == "membership" else (count, pool.values)
        )
        assert tuple(scores.shape) == shape, f"scores have shape {tuple(scores.shape)}, not {shape}"
        assert scores.isfinite().all(), "a score is not a finite number"
        return scores

    def success(self, attacker: Attacker, pool: AdversaryKnowledge) -> float:
        """AUC of a membership attack, accuracy of an attribute attack."""
        assert pool.truth is not None
        scores = self.scores(attacker, pool)
        if self.definition_of_attacker.game == "membership":
            return _auc(scores, pool.truth)
        return float((scores.argmax(dim=1) == pool.truth).double().mean())

    def test_it_finds_a_planted_leak(self) -> None:
        """Scores are the right way round, and strong where the model leaks everything."""
        attacker, pool = self.shared(), self.adversary_knowledge(seed=2)

        # Fitted with seed 1 and scored on seed 2: no sample is common to both.
        assert self.success(attacker, pool) >= ENOUGH
        if self.definition_of_attacker.game == "membership" and attacker.threshold is not None:
            assert pool.truth is not None
            said = self.scores(attacker, pool) > attacker.threshold
            right = (said == pool.truth).double()
            # Balanced, as the game measures it.
            balanced = (right[pool.truth].mean() + right[~pool.truth].mean()) / 2
            assert balanced >= ENOUGH, "the attacker's own threshold misses what its scores show"

    def test_it_finds_nothing_where_there_is_nothing(self) -> None:
        """The null control: without a leak no attack is better than a guess."""
        success = self.success(
            self.fit(self.adversary_knowledge(leak=0, seed=3)),
            self.adversary_knowledge(leak=0, seed=4),
        )

        if self.definition_of_attacker.game == "membership":
            half = SAMPLES // 2
            error = sqrt((SAMPLES + 1) / (12 * half * half))  # of an AUC (Mann & Whitney 1947)
            # Four standard errors: a correct attacker almost never fails by chance.
            assert abs(success - 0.5) < CHANCE * error
        else:
            guess = 1 / VALUES
            assert success < guess + CHANCE * sqrt(guess * (1 - guess) / SAMPLES)

    def test_same_seed_same_scores(self) -> None:
        """All chance comes from the generator, whatever state the process is in."""
        known, pool = _few(self.adversary_knowledge(seed=1)), self.adversary_knowledge(seed=2)
        with torch.random.fork_rng():
            torch.manual_seed(1)
            before = torch.get_rng_state()
            first = self.scores(self.fit(known, seed=7), pool)
            untouched = torch.equal(before, torch.get_rng_state())
            torch.manual_seed(2)
            second = self.scores(self.fit(known, seed=7), pool)

        assert torch.equal(first, second)
        assert untouched, "the attacker draws from torch's global state"

    def test_it_adapts_to_a_changed_model(self) -> None:
        """A copy goes on from what was learned; the original keeps it."""
        original = self.shared()
        # A weaker leak: the model has changed, but the attack still applies.
        pool = self.adversary_knowledge(leak=LEAK * 0.8, seed=2)
        before = self.scores(original, pool)

        copy = deepcopy(original)
        copied = self.scores(copy, pool)
        copy.adapt(
            self.adversary_knowledge(leak=LEAK * 0.8, seed=1),
            generator=torch.Generator().manual_seed(0),
        )

        # Before ``adapt``, so that a difference is due to the copy itself.
        assert torch.equal(before, copied), "a copied attacker answers differently"
        assert self.success(copy, pool) >= ENOUGH
        assert torch.equal(before, self.scores(original, pool)), "adapting a copy changed both"

    def test_a_sample_is_answered_alone_as_in_company(self) -> None:
        """One sample is enough, and its answer does not depend on who else is asked about."""
        attacker, pool = self.shared(), self.adversary_knowledge(seed=2)
        together = self.scores(attacker, pool)

        # First and last position, where an attack that reads the order would differ.
        for position in (0, SAMPLES - 1):
            sample = pool.take(torch.tensor([position]))
            # Tolerances for float32 sums, which depend on the batch size.
            torch.testing.assert_close(
                self.scores(attacker, sample)[0], together[position], rtol=1e-3, atol=1e-4
            )

    def test_it_bears_a_model_that_is_certain(self) -> None:
        """Posteriors of exactly 0 and 1 give scores that are numbers."""
        # Logits of 10,000: in float32 the other posteriors are exactly 0.
        certain = _few(self.adversary_knowledge(leak=1e4, seed=1))

        self.scores(self.fit(certain), certain)

    def test_it_answers_for_values_it_has_never_met(self) -> None:
        """Attack-train may lack a value of the attribute, or a class of the task."""
        known = _few(self.adversary_knowledge(seed=1))
        assert known.truth is not None
        absent = known.seen.labels == CLASSES - 1
        if self.definition_of_attacker.game == "attribute":
            absent |= known.truth == VALUES - 1
        present = (~absent).nonzero()[:, 0]

        self.scores(self.fit(known.take(present)), self.adversary_knowledge(seed=2))


def _few(pool: AdversaryKnowledge) -> AdversaryKnowledge:
    return pool.take(torch.arange(FEW))


def _membership_pool(leak: float, generator: torch.Generator) -> AdversaryKnowledge:
    """Members are marked by a larger logit of their label; all else is noise."""
    hidden, labels = _noise(generator)
    # Alternating, so that order within the pool is not informative by halves.
    is_member = torch.arange(SAMPLES) % 2 == 0
    hidden[:, :CLASSES] += leak * is_member[:, None] * F.one_hot(labels, CLASSES)
    return AdversaryKnowledge(seen=_observe(hidden, labels), truth=is_member, values=2)


def _attribute_pool(leak: float, generator: torch.Generator) -> AdversaryKnowledge:
    """The attribute is marked by a logit, and by a hidden unit that no logit depends on."""
    hidden, labels = _noise(generator)
    truth = torch.randint(VALUES, (SAMPLES,), generator=generator)
    marks = F.one_hot(truth, CLASSES)
    # Twice: in logits for black-box attacks, in hidden units for white-box ones.
    hidden += leak * torch.cat([marks, marks], dim=1)
    return AdversaryKnowledge(seen=_observe(hidden, labels), truth=truth, values=VALUES)


def _encoded_attribute_pool(leak: float, generator: torch.Generator) -> AdversaryKnowledge:
    """The attribute is a part of the input; the model goes by it, and so does the task label."""
    inputs, labels = _noise(generator)
    truth = torch.randint(VALUES, (SAMPLES,), generator=generator)
    encoding = AttributeEncoding(torch.arange(VALUES), leak * torch.eye(VALUES))
    inputs[:, encoding.columns] = encoding.codes[truth]
    return AdversaryKnowledge(
        # Without a leak the model's label is independent of the attribute.
        seen=_observe(inputs, truth if leak else labels),
        truth=truth,
        values=VALUES,
        public=inputs[:, PUBLIC],
        encoding=encoding,
        is_member=torch.arange(SAMPLES) % 2 == 0,
    )


def _references(labels: Tensor, leak: float, generator: torch.Generator) -> ReferenceAnswers:
    """Models that leak their own members as the attacked model does."""
    shape = (REFERENCES, SAMPLES)
    # Each sample is in every other model, starting at random, so halves are exact.
    is_in = (
        torch.arange(REFERENCES)[:, None] + torch.randint(2, shape[1:], generator=generator)
    ) % 2
    logits = torch.randn(*shape, CLASSES, generator=generator)
    logits += leak * is_in[:, :, None] * F.one_hot(labels, CLASSES)
    return ReferenceAnswers(logits, is_in.bool(), labels)


def _noise(generator: torch.Generator) -> tuple[Tensor, Tensor]:
    hidden = torch.randn(SAMPLES, HIDDEN, generator=generator)
    return hidden, torch.randint(CLASSES, (SAMPLES,), generator=generator)


def _observe(hidden: Tensor, labels: Tensor, *, first: int = 0) -> Observations:
    """A model of one layer: inputs are its representation, some of them its logits."""
    head: nn.Linear = nn.utils.skip_init(nn.Linear, HIDDEN, CLASSES)
    with torch.no_grad():
        nn.init.zeros_(head.bias)
        # Shifted by ``first``: the other hidden units become logits.
        head.weight.copy_(torch.eye(HIDDEN)[first : first + CLASSES])
    return observe(Classifier(head), hidden, labels)


def _observe_uncompressed(seen: Observations) -> Observations:
    """A model whose logits are the other half, where membership leaves no trace."""
    return _observe(seen.inputs, seen.labels, first=CLASSES)


def _observe_twin(
    pool: AdversaryKnowledge, leak: float, generator: torch.Generator
) -> Observations:
    """A model of the same leak, whose members are the pool's non-members."""
    assert pool.truth is not None
    hidden = torch.randn(SAMPLES, HIDDEN, generator=generator)
    labels = pool.seen.labels
    hidden[:, :CLASSES] += leak * ~pool.truth[:, None] * F.one_hot(labels, CLASSES)
    return _observe(hidden, labels)


def _versions(seen: Observations, declared: AttackerDef) -> tuple[Observations, ...]:
    """Two such models, for an attacker that asks for them: as they are, and a little less sure."""
    if Need.VERSIONS not in declared.needs:
        return ()
    first = _observe_uncompressed(seen)
    return tuple(
        observations.restrict(declared.access)
        # Halved logits keep the labels, as compression mostly does.
        for observations in (first, first.with_logits(first.logits / 2))
    )


def _auc(scores: Tensor, is_member: Tensor) -> float:
    """Share of pairs in the right order, ties counting half."""
    difference = scores[is_member][:, None] - scores[~is_member][None]
    return float((difference > 0).double().mean() + (difference == 0).double().mean() / 2)
