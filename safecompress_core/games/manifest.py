"""Definitions of the five games that core ships: measures, and what reports say of them."""

from safecompress_core.api import (
    ADVANTAGE,
    AttributeAttackerParams,
    Baseline,
    EvasionAttackerParams,
    ExtractionAttackerParams,
    GameDef,
    Measure,
    Need,
)

__all__ = ["ATTRIBUTE", "DEFINITIONS", "EVASION", "EXTRACTION", "INVERSION", "MEMBERSHIP"]

GUESSED_RIGHT = "is right with {baseline}"

MEMBERSHIP = GameDef(
    name="membership",
    target="safecompress_core.games.membership:MembershipGame",
    summary="Distinguish members of the training set from other samples.",
    cites="Yeom et al. 2018, Privacy Risk in Machine Learning, CSF, definition 4",
    question="Was this sample in the training set?",
    advantage="2 × balanced accuracy − 1",
    measures=(
        Measure(name="accuracy", lowest=0, highest=1, guess="baseline"),
        Measure(name="auc", label="AUC", lowest=0, highest=1),
        Measure(name=ADVANTAGE, lowest=-1, highest=1),
        Measure(name="exposed_members", lowest=0, highest=1, is_shown=False),
    ),
    baselines=(Baseline(guess="tossing a coin over balanced pools", achieves=GUESSED_RIGHT),),
    inverted_by="members and non-members exchanged, task labels swapped, or scores that are higher "
    "for non-members",
    scores_samples=True,
)

ATTRIBUTE = GameDef(
    name="attribute",
    params=AttributeAttackerParams,
    target="safecompress_core.games.attribute:AttributeGame",
    summary="Infer a private attribute of a sample.",
    cites="Jayaraman & Evans 2022, Are Attribute Inference Attacks Just Imputation?, CCS",
    question="Which value has this sample's private attribute?",
    advantage="the share of the guess's mistakes that the model saves the adversary",
    measures=(
        Measure(name="accuracy", lowest=0, highest=1, guess="baseline"),
        Measure(name="auc", label="AUC", lowest=0, highest=1, has_gates=False),
        Measure(
            name="mae",
            label="MAE",
            higher="safer",
            lowest=0,
            guess="baseline_mae",
            is_numeric=True,
        ),
        Measure(name=ADVANTAGE, lowest=0, highest=1),
        Measure(name="lift", label="lift over the guess", lowest=-1, highest=1),
        Measure(name="mae_lift", label="MAE below the guess's", is_numeric=True),
    ),
    baselines=(
        Baseline(guess="{mae_rule}", achieves="is off by {baseline_mae} on average"),
        Baseline(guess="{baseline_rule}", achieves=GUESSED_RIGHT),
    ),
    rules={
        "majority": "the most frequent value",
        "majority-per-label": "the most frequent value of the task label",
        "logistic": "logistic regression on public features",
        "boosting": "gradient boosting on public features",
        "median": "the median",
        "median-per-label": "the median of the task label",
        "ridge": "ridge regression on public features",
    },
    inverted_by="values of the attribute swapped in one of the pools, or scores that are higher "
    "for other values",
    scores_samples=True,
)

EVASION = GameDef(
    name="evasion",
    params=EvasionAttackerParams,
    target="safecompress_core.games.evasion:EvasionGame",
    summary="Change the model's answer by a small change of the input.",
    question="Does a change of at most epsilon make the answer wrong?",
    advantage="the share of the answers right under noise that the attack makes wrong",
    measures=(
        Measure(
            name="robust_accuracy", label="robust accuracy", higher="safer", lowest=0, highest=1
        ),
        Measure(name=ADVANTAGE, highest=1),
    ),
    baselines=(
        Baseline(
            guess="random noise of the same size", achieves="leaves a share of {baseline} wrong"
        ),
    ),
    is_leakage=False,
    counts="non-members",
    needs=frozenset({Need.CONTINUOUS_INPUTS}),
)

INVERSION = GameDef(
    name="inversion",
    target="safecompress_core.games.inversion:InversionGame",
    summary="Reconstruct what the model was trained on.",
    question="What do the data look like that the model was trained on?",
    advantage="the share of that error which the reconstruction avoids",
    measures=(
        Measure(name="error", label="squared error", higher="safer", lowest=0),
        Measure(name="psnr", label="PSNR", unit="dB"),
        Measure(name="ssim", label="SSIM", has_gates=False),
        Measure(name="evaluator_accuracy", label="recognised by an evaluator", has_gates=False),
        Measure(name=ADVANTAGE, lowest=0, highest=1),
    ),
    baselines=(Baseline(guess="the population's mean", achieves="has an error of {baseline}"),),
    counts="units",
    needs=frozenset({Need.CONTINUOUS_INPUTS}),
)

EXTRACTION = GameDef(
    name="extraction",
    params=ExtractionAttackerParams,
    target="safecompress_core.games.extraction:ExtractionGame",
    summary="Train a clone that answers as the model does.",
    cites="Jagielski et al. 2020, High Accuracy and High Fidelity Extraction, USENIX Security",
    question="Does a clone answer as the model does?",
    advantage="the share of the disagreements left that the model's answers avoid",
    measures=(
        Measure(name="fidelity", lowest=0, highest=1),
        Measure(name=ADVANTAGE, highest=1),
    ),
    baselines=(
        Baseline(
            guess="a clone trained on true labels", achieves="agrees on a share of {baseline}"
        ),
    ),
    is_leakage=False,
    counts="non-members",
    needs=frozenset({Need.CONTINUOUS_INPUTS}),
)

DEFINITIONS = (MEMBERSHIP, ATTRIBUTE, EVASION, INVERSION, EXTRACTION)
