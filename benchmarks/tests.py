"""Cheap tests of a setting, and how well they rank settings as an audit by reference models does.

    OMP_NUM_THREADS=1 python benchmarks/tests.py handwriting --folder /tmp/handwriting
    OMP_NUM_THREADS=1 python benchmarks/tests.py adult --data ../shared/data --folder /tmp/adult

Random settings (density, defences, learning rate) are trained sparsely from their first step. A
lineage of each is tested at every eighth of training on the *select* pool:

- loss threshold (1 model): AUC, and advantage at a threshold calibrated on attack-train;
- RMIA with two matched references (3 models): AUC;
- swap twin (2 models): the twin is trained with the select pool's members and as many of its
  non-members exchanged; the score of an exchanged sample is log p_y of the lineage minus log p_y of
  the twin, its AUC compares those that the lineage was trained on with those of the twin.

The truth about a setting is the mean over ``--models`` other models, each on another half of the
data and attacked by RMIA with matched references. The answers of each setting are stored in the
folder, so a stopped benchmark goes on. At the end `race_simulation` simulates searches and races on
the curves.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from race_simulation import Curves, Floats, TestCurves, print_simulation
from scipy.stats import rankdata
from torch import Tensor, nn
from torch.nn.functional import logsigmoid
from trained_settings import (
    RUNGS,
    TASKS,
    Answers,
    Setting,
    stored_answers,
    training_sets,
)

from safecompress_core.attacks.adversary import AdversaryKnowledge
from safecompress_core.attacks.observations import observe
from safecompress_core.attacks.reference_answers import ReferenceAnswers
from safecompress_core.context.reference_context import build_reference_context
from safecompress_core.context.run_context import RunContext
from safecompress_core.data.pools import Pool
from safecompress_core.networks.classifier import Classifier
from safecompress_core.stats.roc import calibrate_threshold, placements

# S settings · R rungs · K models of a setting's truth · M exchanged members · N samples

THRESHOLD, REFERENCES, TWIN = "loss threshold", "2 references", "swap twin"
MODELS = {THRESHOLD: 1, REFERENCES: 3, TWIN: 2}
"""Models that a test trains for each setting."""
RESAMPLES = 2000


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Measures:
    """Tests and truth of one setting.

    Attributes:
        accuracy: on the select pool's non-members, shape (R,).
        threshold_advantage: of the loss threshold, shape (R,).
        placements: of each test, for members and for non-members, each of shape (R, M).
        true_accuracy: mean over the models of the truth.
        true_advantage: the same, of RMIA.
    """

    accuracy: Floats
    threshold_advantage: Floats
    placements: Mapping[str, tuple[Floats, Floats]]
    true_accuracy: float
    true_advantage: float


def rmia(
    run_context: RunContext, target: Any, references: Any, is_in: Tensor, known: Pool
) -> Floats:
    """Return the scores of all samples, shape (N,), by the product's attacker.

    Args:
        run_context: creates the attacker.
        target: log(p_y / (1 − p_y)) of the attacked model, shape (N,).
        references: the same of reference models, shape (K, N).
        is_in: training sets of these, shape (K, N), bool.
        known: the attack-train pool of the attacked model.
    """
    # As logits of two classes, since the attack reads nothing but p_y.
    both = torch.stack([torch.as_tensor(target), torch.zeros(len(target))], dim=1)
    phi = torch.as_tensor(references)
    logits = torch.stack([phi, torch.zeros_like(phi)], dim=2)
    labels = torch.zeros(len(target), dtype=torch.long)
    head = nn.Linear(2, 2)
    nn.init.eye_(head.weight)
    nn.init.zeros_(head.bias)
    knowledge = AdversaryKnowledge(
        seen=observe(Classifier(head), both, labels),
        truth=None,
        values=2,
        references=ReferenceAnswers(logits, is_in, labels),
    )
    attacker = run_context.registry.create(run_context.spec.audit.attackers[0])
    attacker.fit(
        replace(knowledge.take(known.indices), truth=known.is_member),
        generator=torch.Generator().manual_seed(0),
    )
    scores: Floats = attacker.score(knowledge).double().numpy()
    return scores


def advantage(scores: Floats, known: Pool, tested: Pool) -> float:
    """Return the true- minus the false-positive rate at a threshold calibrated on another pool."""
    threshold = calibrate_threshold(scores[known.indices], known.is_member.numpy())
    called = scores >= threshold
    return float(called[tested.members].mean() - called[tested.non_members].mean())


def test_scores(run_context: RunContext, answers: Answers, rung: int) -> dict[str, Floats]:
    """Return the scores of all samples by each test, each of shape (N,)."""
    lineage = torch.as_tensor(answers["lineage"][rung])
    log_p = logsigmoid(lineage.double())
    is_in = training_sets(run_context, 2)[2:]
    references = torch.as_tensor(answers["references"][rung])
    return {
        THRESHOLD: log_p.numpy(),
        REFERENCES: rmia(run_context, lineage, references, is_in, run_context.pools.attack_train),
        TWIN: (log_p - logsigmoid(torch.as_tensor(answers["twin"][rung]).double())).numpy(),
    }


def true_measures(run_context: RunContext, answers: Answers) -> tuple[float, float]:
    """Return accuracy and RMIA advantage, means over the models on other halves of the data.

    Each is attacked with the others as references, the lineage and its twin included, but for the
    model on the complementary half, whose training set names the target's.
    """
    models = len(answers["truth"])
    is_in = training_sets(run_context, models)
    last = [answers["lineage"][-1], answers["twin"][-1], *answers["truth"]]
    answered = torch.as_tensor(np.stack(last))
    figures = []
    for target in range(models):
        pools = build_reference_context(run_context, target).pools
        assert pools.select is not None  # as the run's own
        tested = Pool(
            "tested",
            torch.cat([pools.select.members, pools.audit.members]),
            torch.cat([pools.select.non_members, pools.audit.non_members]),
        )
        others = [row for row in range(models + 2) if row < 2 or (row - 2) // 2 != target // 2]
        scores = rmia(
            run_context, answered[target + 2], answered[others], is_in[others], pools.attack_train
        )
        right = answers["truth_right"][target][tested.non_members]
        figures.append((right.mean(), advantage(scores, pools.attack_train, tested)))
    accuracy, leak = np.mean(figures, axis=0)
    return float(accuracy), float(leak)


def measure(run_context: RunContext, answers: Answers) -> Measures:
    """Test a lineage at each rung and attack the models of its truth."""
    exchanged = run_context.twin_samples.exchanged
    known = run_context.pools.attack_train
    scores = [test_scores(run_context, answers, rung) for rung in range(RUNGS)]
    true_accuracy, true_advantage = true_measures(run_context, answers)

    def placed(name: str) -> tuple[Floats, Floats]:
        is_member = exchanged.is_member.numpy()
        every = [placements(row[name][exchanged.indices], is_member) for row in scores]
        return np.stack([row[0] for row in every]), np.stack([row[1] for row in every])

    return Measures(
        accuracy=answers["right"][:, exchanged.non_members].mean(axis=1).astype(np.float64),
        threshold_advantage=np.array(
            [advantage(row[THRESHOLD], known, exchanged) for row in scores]
        ),
        placements={name: placed(name) for name in MODELS},
        true_accuracy=true_accuracy,
        true_advantage=true_advantage,
    )


def curves_of(measures: Sequence[Measures]) -> Curves:
    """Return the curves of all settings."""

    def test_curves(name: str) -> TestCurves:
        sides = [np.stack([one.placements[name][side] for one in measures]) for side in (0, 1)]
        return TestCurves(
            models=MODELS[name],
            # The mean placement of either side is the area under the curve.
            leak=2 * sides[0].mean(axis=2) - 1,
            members=sides[0],
            non_members=sides[1],
        )

    return Curves(
        accuracy=np.stack([one.accuracy for one in measures]),
        tests={name: test_curves(name) for name in MODELS},
        true_accuracy=np.array([one.true_accuracy for one in measures]),
        true_advantage=np.array([one.true_advantage for one in measures]),
    )


def rank_correlation(values: Floats, truth: Floats) -> tuple[float, float, float]:
    """Return Spearman's correlation and its 95 % bootstrap interval over settings."""
    generator = np.random.default_rng(18)
    count = len(values)
    drawn = generator.integers(count, size=(RESAMPLES, count))
    rows = np.concatenate([np.arange(count)[None], drawn])
    ranks = [rankdata(figures[rows], axis=1) for figures in (values, truth)]
    left, right = (rank - rank.mean(axis=1, keepdims=True) for rank in ranks)
    spread = np.sqrt((left**2).sum(axis=1) * (right**2).sum(axis=1))
    correlations = (left * right).sum(axis=1) / spread
    low, high = np.percentile(correlations[1:], [2.5, 97.5])
    return float(correlations[0]), float(low), float(high)


def print_correlations(curves: Curves, threshold_advantage: Floats) -> None:
    """Print one line a test: correlations at an eighth, half and the end of training."""
    leaks = {
        "accuracy alone (1)": np.zeros_like(curves.accuracy),
        f"{THRESHOLD}, advantage (1)": threshold_advantage,
    }
    leaks |= {f"{name}, AUC ({MODELS[name]})": test.leak for name, test in curves.tests.items()}
    truth = curves.true_accuracy - curves.true_advantage
    rungs = {"1/8": 0, "1/2": RUNGS // 2 - 1, "end": RUNGS - 1}
    for title, is_leak in (("accuracy − leak", False), ("leak alone", True)):
        print(f"\n{title:30}" + "".join(f"{rung:22}" for rung in rungs))
        for name, leak in leaks.items():
            if is_leak and not leak.any():
                continue
            line = f"{name:30}"
            for rung in rungs.values():
                figures = (
                    rank_correlation(leak[:, rung], curves.true_advantage)
                    if is_leak
                    else rank_correlation(curves.accuracy[:, rung] - leak[:, rung], truth)
                )
                line += "{:5.2f} [{:5.2f}, {:5.2f}]   ".format(*figures)
            print(line)


def print_settings(settings: Sequence[Setting], measures: Sequence[Measures]) -> None:
    """Print one line a setting."""
    for number, (setting, one) in enumerate(zip(settings, measures, strict=True)):
        auc = {name: float(sides[0][-1].mean()) for name, sides in one.placements.items()}
        values = "  ".join(f"{name} {value:<5g}" for name, value in setting.items())
        print(
            f"{number:3}  {values}  accuracy {one.true_accuracy:.3f}  advantage "
            f"{one.true_advantage:.3f}  " + "  ".join(f"{n} {v:.3f}" for n, v in auc.items())
        )


def main() -> None:
    """Train, test, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("task", choices=TASKS)
    parser.add_argument("--folder", type=Path, required=True, help="keeps the models' answers")
    parser.add_argument("--data", type=Path, help="folder of adult.csv")
    parser.add_argument("--settings", type=int, default=24)
    parser.add_argument("--models", type=int, default=4, help="of a setting's truth; even")
    parser.add_argument("--epochs", type=int, default=0, help="0: as the task has them")
    parser.add_argument("--seed", type=int, default=18)
    parser.add_argument(
        "--draws", type=int, default=2000, help="orders of settings in a simulation"
    )
    options = parser.parse_args()
    settings, measures, seconds = [], [], 0.0
    for run_context, setting, answers in stored_answers(options):
        settings.append(setting)
        measures.append(measure(run_context, answers))
        seconds += float(answers["seconds"])
    print(f"{options.task}: {len(settings)} settings, {seconds:.0f} CPU seconds")
    print_settings(settings, measures)
    curves = curves_of(measures)
    print_correlations(curves, np.stack([one.threshold_advantage for one in measures]))
    print_simulation(curves, draws=options.draws)


if __name__ == "__main__":
    main()
