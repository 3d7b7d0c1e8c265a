"""A model file of SafeCompress, loaded with torch and safetensors alone.

    python examples/plain_torch.py runs/NAME/model/model.safetensors

`load_state` is all that it takes for weights in float32, float16, bfloat16 or int8, sparse or not.
The rest of the file shows what to do with them for a perceptron.
"""

import json
import math
import sys

import numpy as np
import torch
from safetensors import safe_open


def load_state(path: str) -> dict[str, torch.Tensor]:
    """Return the dense weights of a model file by name."""
    with safe_open(path, framework="pt") as file:
        layers = json.loads(file.metadata()["safecompress"])["layers"]
        state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    for name, layer in layers.items():
        if name not in state:
            count = math.prod(layer["shape"])
            mask = np.unpackbits(state.pop(name + ".bitmask").numpy(), count=count)
            state[name] = torch.zeros(count, dtype=state[name + ".values"].dtype)
            state[name][torch.from_numpy(mask).bool()] = state.pop(name + ".values")
        scales = state.pop(name + ".scales", torch.ones(1)).view(-1, 1)
        state[name] = (state[name].view(layer["shape"][0], -1) * scales).view(layer["shape"])
    return state


def perceptron(state: dict[str, torch.Tensor]) -> torch.nn.Sequential:
    """Return linear layers with ReLU between them, as the model `mlp` has them."""
    module = torch.nn.Sequential(torch.nn.Flatten())
    weights = [tensor for name, tensor in sorted(state.items()) if name.endswith("weight")]
    biases = [tensor for name, tensor in sorted(state.items()) if name.endswith("bias")]
    for weight, bias in zip(weights, biases, strict=True):
        layer = torch.nn.Linear(weight.shape[1], weight.shape[0])
        layer.load_state_dict({"weight": weight, "bias": bias})
        module.extend([layer, torch.nn.ReLU()])
    return module[:-1].eval()


if __name__ == "__main__":
    loaded = load_state(sys.argv[1])
    for name, tensor in loaded.items():
        active = int(tensor.count_nonzero())
        print(f"{name:20} {tuple(tensor.shape)!s:15} {active:8} of {tensor.numel()} not 0")
