"""Attacks in ``results.json``: a class for each game of core, and one for all other games.

A game that a plugin registers needs no class: its measures are pairs of keys, ``<measure>`` and
``<measure>_interval``, and its facts are plain values.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import ConfigDict, Discriminator, Field, JsonValue, Tag, TypeAdapter, model_validator

from safecompress_core.results.schema.membership_records import MembershipRecord
from safecompress_core.results.schema.record import AttackRecord, Count, Fraction, Interval

__all__ = [
    "AnyAttackRecord",
    "AttributeRecord",
    "EvasionRecord",
    "ExtractionRecord",
    "InversionRecord",
    "OtherGameRecord",
    "parse_attack",
]


class AttributeRecord(AttackRecord):
    """An attack on a private attribute.

    The keys from ``mae`` to ``mae_rule`` are for numeric attributes only; ``advantage`` then refers
    to the absolute error.
    """

    game: Literal["attribute"]
    """Game that the attack plays."""
    accuracy: Fraction
    """Share of samples whose value, or interval of a numeric attribute, is inferred."""
    accuracy_interval: Interval
    """95 % interval of ``accuracy``."""
    auc: Fraction | None
    """Area under the ROC curve, mean of one value against the rest; null where it is undefined."""
    auc_interval: Interval | None
    """95 % interval of ``auc``."""
    lift: float
    """``accuracy`` − ``baseline``, in [−1, 1]."""
    lift_interval: Interval
    """95 % interval of ``lift``, paired by sample."""
    lift_members: float
    """Lift on members alone, in [−1, 1]; memorisation shows as a higher lift on members."""
    lift_members_interval: Interval
    """95 % interval of ``lift_members``."""
    lift_non_members: float
    """Lift on non-members alone, in [−1, 1]."""
    lift_non_members_interval: Interval
    """95 % interval of ``lift_non_members``."""
    macro_f1: Fraction
    """Mean F1 score over the values of the attribute."""
    baseline_rule: str
    """Imputation that ``baseline`` refers to: ``majority``, ``majority-per-label``, ``logistic`` or
    ``boosting``."""
    mae: float | None = None
    """Mean absolute error, in the unit of the attribute, ≥ 0."""
    mae_interval: Interval | None = None
    """95 % interval of ``mae``."""
    baseline_mae: float | None = None
    """Mean absolute error of the best imputation, in the unit of the attribute."""
    mae_lift: float | None = None
    """``baseline_mae`` − ``mae``, in the unit of the attribute."""
    mae_lift_interval: Interval | None = None
    """95 % interval of ``mae_lift``, paired by sample."""
    mae_rule: str | None = None
    """Imputation that ``baseline_mae`` refers to: ``median``, ``median-per-label``, ``ridge`` or
    ``boosting``."""


class EvasionRecord(AttackRecord):
    """Adversarial examples of non-members."""

    game: Literal["evasion"]
    """Game that the attack plays."""
    error_rate: Fraction
    """Share of perturbed samples that the model classifies incorrectly; ``baseline`` is the same
    under random noise of the same size."""
    error_rate_interval: Interval
    """95 % interval of ``error_rate``."""
    robust_accuracy: Fraction
    """Accuracy on perturbed samples."""
    robust_accuracy_interval: Interval
    """95 % interval of ``robust_accuracy``."""
    clean_accuracy: Fraction
    """Accuracy on the samples as they are."""
    clean_accuracy_interval: Interval
    """95 % interval of ``clean_accuracy``."""
    noise_accuracy: Fraction
    """Accuracy under random noise of the same size."""
    noise_accuracy_interval: Interval
    """95 % interval of ``noise_accuracy``."""
    success: Fraction | None = None
    """Share of correctly classified samples that the perturbation turns into errors; missing where
    no sample is classified correctly."""
    success_interval: Interval | None = None
    """95 % interval of ``success``."""
    norm: str
    """Norm of the perturbation budget."""
    epsilon: float
    """Perturbation budget in that norm, in the unit of the inputs, ≥ 0."""
    range: tuple[float, float]
    """Lowest and highest value that an input may have."""


class ExtractionRecord(AttackRecord):
    """A clone of the model, compared with it on non-members."""

    game: Literal["extraction"]
    """Game that the attack plays."""
    fidelity: Fraction
    """Share of samples that clone and model give the same label."""
    fidelity_interval: Interval
    """95 % interval of ``fidelity``."""
    independent_fidelity: Fraction
    """Fidelity of a clone that was trained on true labels; the value is ``baseline`` too."""
    independent_fidelity_interval: Interval
    """95 % interval of ``independent_fidelity``."""
    most_frequent_fidelity: Fraction
    """Fidelity of always answering the model's most frequent label."""
    most_frequent_fidelity_interval: Interval
    """95 % interval of ``most_frequent_fidelity``."""
    queries: Count
    """Samples that the adversary had labelled by the model."""


class InversionRecord(AttackRecord):
    """Reconstructions of training data."""

    game: Literal["inversion"]
    """Game that the attack plays."""
    units: Literal["classes", "samples"]
    """What was reconstructed: class means, or single samples from their gradients."""
    error: float
    """Mean squared error of an input's value, ≥ 0."""
    error_interval: Interval
    """95 % interval of ``error``."""
    psnr: float
    """Peak signal-to-noise ratio, in dB, at most 120."""
    psnr_interval: Interval
    """95 % interval of ``psnr``."""
    ssim: float | None = None
    """Structural similarity, in [−1, 1]; only for images, reconstructed sample by sample."""
    ssim_interval: Interval | None = None
    """95 % interval of ``ssim``."""
    evaluator_accuracy: Fraction | None = None
    """Share of reconstructed classes that an independent classifier recognises; only for
    ``classes``."""
    evaluator_accuracy_interval: Interval | None = None
    """95 % interval of ``evaluator_accuracy``."""
    evaluator_on_members: Fraction | None = None
    """Accuracy of that classifier on members; only for ``classes``."""
    evaluator_on_members_interval: Interval | None = None
    """95 % interval of ``evaluator_on_members``."""
    own_data_error: float | None = None
    """Mean squared error of the class means of the adversary's own samples; null where they lack a
    class. Only for ``classes``."""


CORE_GAMES = ("membership", "attribute", "evasion", "extraction", "inversion")


class OtherGameRecord(AttackRecord):
    """An attack in a game of a plugin.

    Further keys are measures, as pairs of ``<measure>`` and ``<measure>_interval`` (95 %), and
    facts as plain values.
    """

    model_config = ConfigDict(extra="allow")
    # Extra values stay plain JSON; without this pydantic would accept any object.
    __pydantic_extra__: dict[str, JsonValue]

    # ``not`` in the JSON schema: a damaged core record must not pass as a plugin's.
    game: Annotated[str, Field(json_schema_extra={"not": {"enum": list(CORE_GAMES)}})]
    """Game that the attack plays."""

    @model_validator(mode="after")
    def _check_estimates(self) -> Self:
        self.estimates()  # raises where a measure and its interval do not fit
        return self


def _class_of(record: Any) -> str:
    # Called with raw values and with instances, as pydantic validates either.
    game = record.get("game") if isinstance(record, Mapping) else record.game
    return game if game in CORE_GAMES else "other"


AnyAttackRecord: TypeAlias = Annotated[
    Annotated[MembershipRecord, Tag("membership")]
    | Annotated[AttributeRecord, Tag("attribute")]
    | Annotated[EvasionRecord, Tag("evasion")]
    | Annotated[ExtractionRecord, Tag("extraction")]
    | Annotated[InversionRecord, Tag("inversion")]
    | Annotated[OtherGameRecord, Tag("other")],
    Discriminator(_class_of),
]
"""An attack of any game, distinguished by ``game``."""

# Built once: compiling the union's validator is expensive.
_ADAPTER: TypeAdapter[AnyAttackRecord] = TypeAdapter(AnyAttackRecord)


def parse_attack(values: Mapping[str, Any]) -> AnyAttackRecord:
    """Return the record of an attack, of the class of its game.

    Raises:
        pydantic.ValidationError: if the values are not those of an attack.
    """
    return _ADAPTER.validate_python(values)
