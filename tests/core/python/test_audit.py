"""``safecompress.audit``."""

import json
from collections import deque
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier

from safecompress_core.errors import DataError, ModelError, SpecError
from safecompress_core.python.audit import audit

# Shuffled: the digits are in the order of their writers, which would void every verdict.
ORDER = np.random.default_rng(0).permutation(1000)
INPUTS, LABELS = (array[:1000][ORDER] for array in load_digits(return_X_y=True))
MEMBERS, OTHERS = (INPUTS[:500], LABELS[:500]), (INPUTS[500:], LABELS[500:])
ATTACKERS: list[Any] = ["loss-threshold", {"type": "rmia", "references": 4}]


def train(indices: NDArray[np.int64], seed: int) -> RandomForestClassifier:
    """A random forest of some digits."""
    model = RandomForestClassifier(10, random_state=seed)
    return model.fit(INPUTS[indices], LABELS[indices])


@pytest.fixture(scope="module")
def forest() -> RandomForestClassifier:
    """A forest that has memorised the members."""
    return train(np.arange(500), 7)


def test_reference_attacks_on_a_model_that_others_made(
    forest: RandomForestClassifier, tmp_path: Path
) -> None:
    """They find more than the loss alone; the owner's swap test finds most, and stays apart."""
    calls: deque[int] = deque()

    def counted(indices: NDArray[np.int64], seed: int) -> Any:
        calls.append(len(indices))
        return train(indices, seed)

    settings: Any = {
        "members": MEMBERS,
        "non_members": OTHERS,
        "attackers": ATTACKERS,
        "runs_dir": tmp_path,
    }
    gate = [{"measure": "membership.advantage", "at_most": 0.99}]
    result = audit(forest, train=counted, gate=gate, **settings)

    results = result.results
    assert list(calls) == [500] * 5  # four references and the twin
    assert list(results.audit) == ["loss-threshold", "rmia"]
    assert results.audit["rmia"].auc > results.audit["loss-threshold"].auc + 0.05
    assert results.swap_test is not None
    assert results.swap_test.advantage > 0.4
    assert results.references is not None
    assert (results.references.models, results.references.method) == (4, "train")
    assert results.origin is not None
    assert (results.origin.file, results.origin.format) == ("in-memory", "scikit-learn classifier")
    assert result.passed
    assert result.frame("attacks")["attack"].tolist() == ["loss-threshold", "rmia"]
    assert set(result.frame("records")["attack"]) == {"loss-threshold", "rmia"}
    assert "swap twin" in result.report(tmp_path / "page.html").read_text()
    with pytest.raises(ModelError, match="an audit stores no model"):
        result.model()

    again = audit(forest, train=counted, gate=gate, **settings)
    assert again == result
    assert len(calls) == 5


def test_references_that_are_there_already(forest: RandomForestClassifier, tmp_path: Path) -> None:
    """As arrays, or as files of predictions: the same figures."""
    generator = np.random.default_rng(0)
    masks = np.stack(
        [half for _ in range(3) for half in _halves(generator.permutation(1000) < 500)]
    )
    answers = [
        train(np.flatnonzero(mask), seed).predict_proba(INPUTS) for seed, mask in enumerate(masks)
    ]
    for number, (mask, probabilities) in enumerate(zip(masks, answers, strict=True)):
        (tmp_path / "models").mkdir(exist_ok=True)
        np.savez(
            tmp_path / "models" / f"{number}.npz",
            label=LABELS,
            member=mask,
            probabilities=probabilities,
        )
    attackers = [{"type": "lira", "references": 6}, {"type": "rmia", "references": 6}]
    settings: Any = {
        "members": MEMBERS,
        "non_members": OTHERS,
        "attackers": attackers,
        "runs_dir": tmp_path / "runs",
    }

    arrays = audit(forest, references=(answers, masks), **settings).results
    files = audit(forest, references=tmp_path / "models", **settings).results

    assert arrays.references is not None
    assert (arrays.references.models, arrays.references.method) == (6, "given")
    assert arrays.swap_test is None
    for name in ("lira", "rmia"):
        assert arrays.audit[name].auc == pytest.approx(files.audit[name].auc, abs=1e-6)
    with pytest.raises(ModelError, match="there are 6 reference models, and an attacker asks for"):
        audit(forest, references=tmp_path / "models", **{**settings, "attackers": ["lira"]})
    with pytest.raises(DataError, match="references have 6 models, masks of shape \\(5, 1000\\)"):
        audit(forest, references=(answers, masks[:5]), **settings)


def _halves(mask: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    return mask, ~mask


def test_by_default_every_attack_is_made_that_needs_no_more(
    forest: RandomForestClassifier, tmp_path: Path
) -> None:
    """Answers alone admit no attack with reference models."""
    result = audit(
        forest.predict_proba,
        members=MEMBERS,
        non_members=OTHERS,
        name="Forest of digits",
        overrides={"audit.prior": 0.2},
        runs_dir=tmp_path,
    )

    assert {"loss-threshold", "modified-entropy", "population"} <= set(result.results.audit)
    assert "lira" not in result.results.audit
    assert result.results.name == "forest-of-digits"
    assert "forest-of-digits" in result.path.name


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"attackers": ["lyra"]}, SpecError, "did you mean 'lira'"),
        ({"attackers": ["lira"]}, SpecError, "say how by audit.train"),
        (
            {"attackers": ["neural-whitebox"]},
            SpecError,
            "a scikit-learn classifier gives black-box",
        ),
        ({"train": train, "references": "there"}, DataError, "train and references are both given"),
        (
            {"train": lambda _, __: None},
            ModelError,
            "reference model 1: .* type NoneType",
        ),
        (
            {"train": lambda rows, _: [][len(rows)]},
            ModelError,
            "failed \\(.*\\)",
        ),
        ({"members": (INPUTS[:2], LABELS[:2])}, SpecError, "would have 1 members"),
        ({"members": (INPUTS[:500], LABELS[:499])}, DataError, "500 inputs and 499 labels"),
        ({"members": (iter(INPUTS[:500]), LABELS[:500])}, DataError, "can be read once only"),
        (
            {"non_members": (INPUTS[500:], LABELS[500:] + 10)},
            DataError,
            "label of non_members\\[0\\], '1[0-9]', is none of the model's: 0, 1",
        ),
        ({"overrides": {"audit.min_risk": 1}}, SpecError, "audit.min_risk: 1 is not less than 1"),
        (
            {"overrides": {"audit.accept_shift": "perhaps"}},
            SpecError,
            "audit.accept_shift: 'perhaps' is not true or false",
        ),
        ({"gate": [{"measure": "model.file_bytes", "at_most": 1}]}, SpecError, "size of the model"),
    ],
)
def test_what_cannot_work_is_refused(
    settings: dict[str, Any],
    error: type[Exception],
    message: str,
    forest: RandomForestClassifier,
    tmp_path: Path,
) -> None:
    """With the argument or the field, and what to give instead."""
    given = {"members": MEMBERS, "non_members": OTHERS, "runs_dir": tmp_path, **settings}
    if "attackers" not in given:
        given["attackers"] = ["rmia"] if "train" in given else ["gap"]

    with pytest.raises(error, match=message):
        audit(forest, **given)


@pytest.mark.parametrize(
    ("model", "error", "message"),
    [
        (
            RandomForestClassifier(),
            ModelError,
            "RandomForestClassifier is not fitted; call its fit",
        ),
        (lambda rows: np.full((len(rows), 10), 0.05), DataError, "do not sum to 1; .* sum of 0.5"),
        (lambda rows: (row for row in rows), ModelError, "generator, which can be read once only"),
        (np.full((900, 10), 0.1), DataError, "900 answers, and 1000 members and non-members"),
    ],
)
def test_what_is_no_model_is_refused(
    model: Any, error: type[Exception], message: str, tmp_path: Path
) -> None:
    """Before any attack."""
    with pytest.raises(error, match=message):
        audit(model, members=MEMBERS, non_members=OTHERS, runs_dir=tmp_path)

    assert not any(tmp_path.iterdir())


def test_a_function_that_trains_on_more_than_it_is_dealt_is_refused(
    forest: RandomForestClassifier, tmp_path: Path
) -> None:
    """And one that always returns the same model."""
    settings: Any = {
        "members": MEMBERS,
        "non_members": OTHERS,
        "attackers": [{"type": "rmia", "references": 4}],
        "runs_dir": tmp_path,
    }
    with pytest.raises(ModelError, match="as sure of members that they were not to be trained on"):
        audit(forest, train=lambda _, seed: train(np.arange(1000), seed), **settings)
    with pytest.raises(ModelError, match="reference models 1 and 2 give the same answers"):
        audit(forest, train=lambda _, __: forest, **settings)
    assert list(tmp_path.rglob("results.json")) == []


@pytest.mark.parametrize("accept", [False, True])
def test_members_of_other_writers_void_an_audit_of_a_closed_model(
    tmp_path: Path, *, accept: bool
) -> None:
    """Its answers are all that attacks see, and the baseline reads the inputs that were given."""
    inputs, labels = load_digits(as_frame=True, return_X_y=True)
    sides = [(inputs[rows], labels[rows]) for rows in (slice(0, 500), slice(500, 1000))]
    model = RandomForestClassifier(10, random_state=0).fit(*sides[0])

    result = audit(
        model,
        members=sides[0],
        non_members=sides[1],
        attackers=["loss-threshold"],
        overrides={"audit.accept_shift": accept},
        runs_dir=tmp_path,
    )

    blind = result.results.blind_baseline
    assert blind is not None
    assert (blind.shifted, blind.inputs) == (True, "inputs")
    assert blind.columns[0].name.startswith("pixel_")
    assert result.passed is accept
    log = (result.path / "events.jsonl").read_text().splitlines()
    (warning,) = json.loads(log[0])["data"]["warnings"]
    assert ("VOID" in warning) is not accept


def test_a_function_of_what_only_it_reads_has_no_baseline(tmp_path: Path) -> None:
    """Objects that are neither numbers nor texts."""
    rows = [{"pixels": row} for row in INPUTS]

    def answer(given: list[dict[str, Any]]) -> Any:
        rates = np.stack([row["pixels"][:10] + 1 for row in given])
        return rates / rates.sum(axis=1, keepdims=True)

    result = audit(
        answer,
        members=(rows[:500], LABELS[:500]),
        non_members=(rows[500:], LABELS[500:]),
        attackers=["loss-threshold"],
        runs_dir=tmp_path,
    )

    assert result.results.blind_baseline is not None
    assert result.results.blind_baseline.note == "the inputs of the samples are unknown"
