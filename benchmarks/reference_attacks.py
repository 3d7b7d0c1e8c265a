"""How strong attacks with reference models are on ``handwriting``, by every model in turn.

    OMP_NUM_THREADS=1 python benchmarks/reference_attacks.py --density 1 --references 26

Trains reference models on halves of the data, as an audit does. Then each of them is attacked: all
but itself and the model with the other half serve as references, and every sample is asked about.
So a figure is the mean over as many targets as there are models, over all 1,797 samples each.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from sklearn.metrics import roc_auc_score, roc_curve
from torch import nn

from safecompress_core.attacks.adversary import AdversaryKnowledge
from safecompress_core.attacks.observations import observe
from safecompress_core.attacks.reference_answers import ReferenceAnswers
from safecompress_core.context.run_context import RunContext, build_run_context
from safecompress_core.execution.settings import Execution, open_executor
from safecompress_core.host import load_plugins
from safecompress_core.networks.classifier import Classifier
from safecompress_core.results.environment import reproducible
from safecompress_core.results.events import EventLog
from safecompress_core.runs.reference_models import ReferenceTraining
from safecompress_core.specfile.load import load_spec

ATTACKS: dict[str, dict[str, Any]] = {
    "loss": {"type": "loss-threshold"},
    "lira online": {"type": "lira", "variance": "global"},
    "lira online, sample variance": {"type": "lira", "variance": "sample"},
    "lira offline": {"type": "lira", "mode": "offline", "variance": "global"},
    "lira offline, density": {
        "type": "lira",
        "mode": "offline",
        "variant": "density",
        "variance": "global",
    },
    "rmia online": {"type": "rmia"},
    "rmia offline": {"type": "rmia", "mode": "offline"},
    "base online": {"type": "base"},
    "base offline": {"type": "base", "mode": "offline"},
    "calibrated": {"type": "calibrated"},
}


def spec_of(options: argparse.Namespace) -> dict[str, Any]:
    """An MLP 64-256-128-14 and Adam; half of the 1,797 samples are members; RigL every 5 epochs."""
    method: dict[str, Any] = {"type": "uncompressed"}
    if options.density < 1:
        method = {
            "type": "test-driven",
            "field": 1,
            "twins": False,
            "density": options.density,
            "rounds": 1,
            "keep": False,
            "update_every": 5,
            "strategies": [{"prune": {"type": "magnitude"}, "grow": {"type": "gradient"}}],
        }
    named = [{**attack, "id": f"a{number}"} for number, attack in enumerate(ATTACKS.values())]
    counted = [
        attack if attack["type"] == "loss-threshold" else {**attack, "references": 4}
        for attack in named
    ]
    return {
        "version": 1,
        "name": "references",
        "seed": options.seed,
        "device": "cpu",
        "task": {
            "data": {"type": "handwriting"},
            "model": {"type": "mlp", "hidden": [256, 128]},
        },
        "training": {
            "epochs": options.epochs,
            "batch_size": options.batch_size,
            "learning_rate": options.learning_rate,
        },
        "method": method,
        "audit": {
            "attackers": [
                *counted,
                {"type": "lira", "id": "count", "references": options.references},
            ]
        },
    }


def trained(options: argparse.Namespace, folder: Path) -> tuple[RunContext, ReferenceAnswers]:
    """The reference models of the spec's method."""
    registry = load_plugins(environ={"SAFECOMPRESS_PLUGINS": ""}).registry
    file = folder / "spec.json"
    file.write_text(json.dumps(spec_of(options)), encoding="utf-8")
    loaded = load_spec(file, registry=registry)
    run_context = build_run_context(loaded, registry)
    with reproducible(1), open_executor(Execution(workers=options.workers)) as executor:
        training = ReferenceTraining(run_context, folder, events=EventLog(), executor=executor)
        training.train(kinds=(False,))
    references = training.of(is_dense=False)
    assert references is not None
    return run_context, references


def seen_by(logits: torch.Tensor, labels: torch.Tensor) -> Any:
    """Observations of a model that gives these logits."""
    head: nn.Linear = nn.utils.skip_init(nn.Linear, logits.shape[1], logits.shape[1])
    with torch.no_grad():
        nn.init.eye_(head.weight)
        nn.init.zeros_(head.bias)
    return observe(Classifier(head), logits, labels)


def attacked(
    run_context: RunContext, references: ReferenceAnswers
) -> dict[str, list[tuple[float, ...]]]:
    """By attack, AUC and TPR at 1 % FPR on each model in turn."""
    found: dict[str, list[tuple[float, ...]]] = {name: [] for name in ATTACKS}
    for target in range(len(references)):
        is_other = torch.arange(len(references)) // 2 != target // 2
        knowledge = AdversaryKnowledge(
            seen=seen_by(references.logits[target], references.labels),
            truth=references.is_in[target],
            values=2,
            references=ReferenceAnswers(
                references.logits[is_other], references.is_in[is_other], references.labels
            ),
        )
        for name, params in zip(ATTACKS, run_context.spec.audit.attackers, strict=False):
            attacker = run_context.registry.create(params)
            attacker.fit(knowledge, generator=torch.Generator().manual_seed(0))
            scores = attacker.score(knowledge).double().numpy()
            assert knowledge.truth is not None
            is_member = knowledge.truth.numpy()
            # 898 non-members are too few for a figure of one model alone; it is a mean over many
            fpr, tpr, _ = roc_curve(is_member, scores, drop_intermediate=False)
            found[name].append((roc_auc_score(is_member, scores), tpr[fpr <= 0.01].max()))
    return found


def main() -> None:
    """Train, attack, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--density", type=float, default=1.0, help="1 trains dense models")
    parser.add_argument("--references", type=int, default=26)
    parser.add_argument("--epochs", type=int, default=200)
    parser.add_argument("--learning-rate", type=float, default=0.001)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--seed", type=int, default=18)
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args()
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        run_context, references = trained(options, Path(folder))
    seconds = time.perf_counter() - start
    right = references.logits.argmax(dim=2) == references.labels
    train = float(right[references.is_in].double().mean())
    test = float(right[~references.is_in].double().mean())
    print(
        f"density {options.density:g}, {options.references} models of {options.epochs} epochs at "
        f"{options.learning_rate:g}, {options.batch_size} a batch, in {seconds:.0f} s, "
        f"train / test {train:.2f} / {test:.3f}"
    )
    print(f"{'attack':30}   AUC  ± s.e.  TPR@1%")
    for name, figures in attacked(run_context, references).items():
        aucs, rates = torch.tensor(figures, dtype=torch.float64).T
        error = float(aucs.std()) / len(aucs) ** 0.5
        print(f"{name:30}  {float(aucs.mean()):.3f}  {error:.3f}  {float(rates.mean()):.3f}")


if __name__ == "__main__":
    main()
