"""Per-sample gradients of the last layer: closed form beside one backward pass a sample.

Run ``python benchmarks/observations.py [--samples N] [--hidden H] [--classes C]``. All three ways
compute the same gradients in one process, are checked against each other, and take turns, so that
the ratios hold on a busy machine as well; each time is the least of several turns. The network is
an MLP H-H-C: its body costs a backward loop little, so a deeper one makes the ratio larger.
"""

import argparse
import json
from collections.abc import Callable
from time import perf_counter

import torch
from torch import Tensor, nn

from safecompress_core.attacks.observations import last_layer_gradients
from safecompress_core.networks.classifier import Classifier

Way = Callable[[], Tensor]


def ways(network: Classifier, inputs: Tensor, labels: Tensor) -> dict[str, Way]:
    """Each starts from inputs, so that all of them pay for the forward pass."""
    weight = network.head.weight
    name = next(name for name, parameter in network.named_parameters() if parameter is weight)
    fixed = {key: value.detach() for key, value in network.named_parameters() if key != name}

    def closed_form() -> Tensor:
        with torch.no_grad():
            logits, hidden = network.represent(inputs)
            return last_layer_gradients(logits.softmax(dim=1), hidden, labels)

    def backward_loop() -> Tensor:
        rows = []
        for sample, label in zip(inputs, labels, strict=True):
            loss = nn.functional.cross_entropy(network(sample[None]), label[None])
            rows.append(torch.autograd.grad(loss, weight)[0])
        return torch.stack(rows)

    def loss_of(head: Tensor, sample: Tensor, label: Tensor) -> Tensor:
        logits = torch.func.functional_call(network, {**fixed, name: head}, (sample[None],))
        return nn.functional.cross_entropy(logits, label[None])

    vectorised = torch.func.vmap(torch.func.grad(loss_of), in_dims=(None, 0, 0))

    def vmap_of_grad() -> Tensor:
        gradients: Tensor = vectorised(weight.detach(), inputs, labels)
        return gradients

    return {
        "closed form": closed_form,
        "backward loop": backward_loop,
        "vmap of grad": vmap_of_grad,
    }


def least_seconds(candidates: dict[str, Way], *, turns: int) -> dict[str, float]:
    """The fastest of several turns; the ways alternate."""
    seconds = dict.fromkeys(candidates, float("inf"))
    for _ in range(turns):
        for name, way in candidates.items():
            start = perf_counter()
            way()
            seconds[name] = min(seconds[name], perf_counter() - start)
    return seconds


def main() -> None:
    """Print seconds and ratios to the closed form as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--hidden", type=int, default=128)
    parser.add_argument("--classes", type=int, default=14)
    parser.add_argument("--turns", type=int, default=5)
    asked = parser.parse_args()

    generator = torch.Generator().manual_seed(18)
    torch.manual_seed(18)
    inputs = torch.randn(asked.samples, asked.hidden, generator=generator)
    labels = torch.randint(asked.classes, (asked.samples,), generator=generator)
    body = (nn.Linear(asked.hidden, asked.hidden), nn.ReLU())
    network = Classifier(nn.Sequential(*body, nn.Linear(asked.hidden, asked.classes))).eval()

    candidates = ways(network, inputs, labels)
    expected = candidates["closed form"]()
    for way in candidates.values():
        torch.testing.assert_close(way(), expected, rtol=1e-4, atol=1e-5)
    seconds = least_seconds(candidates, turns=asked.turns)
    document = {
        "samples": asked.samples,
        "hidden": asked.hidden,
        "classes": asked.classes,
        "threads": torch.get_num_threads(),
        "seconds": seconds,
        "times_the_closed_form": {
            name: value / seconds["closed form"] for name, value in seconds.items()
        },
    }
    print(json.dumps(document, indent=2))


if __name__ == "__main__":
    main()
