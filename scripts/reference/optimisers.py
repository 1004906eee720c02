"""Writes src/nn/fixtures/optimisers.json: parameters after each step of torch.optim in float64, and learning rates of OneCycleLR.

The gradients are given, so the losses do not matter. Weight decay is set for the matrix alone. Run from the repository root:

    python3 scripts/reference/optimisers.py      (PyTorch 1.13)
"""

import json
import warnings
from pathlib import Path

import numpy as np
import torch

torch.set_default_dtype(torch.float64)
warnings.simplefilter("ignore")  # the scheduler is stepped without an optimiser step
rng = np.random.default_rng(3)
STEPS = 5


def values(*shape):
    return torch.as_tensor(np.round(256 * rng.normal(size=shape)) / 256)


start = {"matrix": values(3, 2), "vector": values(3)}
gradients = [{name: values(*tensor.shape) for name, tensor in start.items()} for _ in range(STEPS)]
gradients[3]["vector"] *= 0  # a parameter that a batch does not touch moves on by its memory alone
rates = [0.01, 0.02, 0.03, 0.02, 0.005]


def train(name, make, decay=0.0, clip=None):
    parameters = {key: tensor.clone().requires_grad_() for key, tensor in start.items()}
    groups = [{"params": [parameters["matrix"]], "weight_decay": decay}, {"params": [parameters["vector"]], "weight_decay": 0.0}]
    optimiser = make(groups)
    steps = []
    for rate, step in zip(rates, gradients):
        for group in optimiser.param_groups:
            group["lr"] = rate
        for key, parameter in parameters.items():
            parameter.grad = step[key].clone()
        norm = torch.nn.utils.clip_grad_norm_(list(parameters.values()), clip if clip is not None else float("inf"))
        optimiser.step()
        steps.append({"norm": norm.item(), **{key: parameter.flatten().tolist() for key, parameter in parameters.items()}})
    return {"name": name, "weightDecay": decay, **({} if clip is None else {"clipNorm": clip}), "steps": steps}


cases = [
    train("sgd", lambda groups: torch.optim.SGD(groups, lr=1, momentum=0.9)),
    train("sgd", lambda groups: torch.optim.SGD(groups, lr=1, momentum=0.9), decay=0.1),
    train("adam", lambda groups: torch.optim.Adam(groups, lr=1)),
    train("adamW", lambda groups: torch.optim.AdamW(groups, lr=1), decay=0.3),
    train("sgd", lambda groups: torch.optim.SGD(groups, lr=1, momentum=0.9), clip=2.5),
]


def one_cycle(peak, total, rise):
    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1, momentum=0.9)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, peak, total_steps=total, pct_start=rise)
    rates = []
    for step in range(total):
        rates.append(optimiser.param_groups[0]["lr"])
        if step < total - 1:
            schedule.step()
    return {"peak": peak, "total": total, "rise": rise, "rates": rates}


reference = {
    "start": {key: {"shape": list(tensor.shape), "data": tensor.flatten().tolist()} for key, tensor in start.items()},
    "gradients": [{key: tensor.flatten().tolist() for key, tensor in step.items()} for step in gradients],
    "rates": rates,
    "cases": cases,
    "oneCycle": [one_cycle(0.1, 10, 0.3), one_cycle(0.002, 37, 0.3), one_cycle(1.0, 25, 0.5)],
}
target = Path("src/nn/fixtures/optimisers.json")
target.write_text(json.dumps(reference, separators=(",", ":")) + "\n")
print(f"{target}: {target.stat().st_size} bytes", [[step["norm"] for step in case["steps"]] for case in cases[-1:]])
