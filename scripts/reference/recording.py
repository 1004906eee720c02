"""What the scripts that record one training step of a PyTorch network share."""

import base64

import numpy as np
import torch


def random_values(name, tensor, rng):
    """Values of sensible scale, rounded to float32: nothing at 0 or 1 that a forgotten parameter would leave there."""
    if name.endswith("running_var"):
        values = rng.uniform(0.5, 1.5, tensor.shape)
    elif name.endswith("running_mean"):
        values = rng.normal(0, 0.3, tensor.shape)
    elif tensor.ndim > 1:
        values = rng.normal(0, np.sqrt(2 / np.prod(tensor.shape[1:])), tensor.shape)
    else:
        values = rng.normal(1 if name.endswith("weight") else 0, 0.2, tensor.shape)
    return torch.as_tensor(values.astype(np.float32).astype(np.float64))


def packed(tensor):
    return base64.b64encode(tensor.detach().numpy().astype("<f4").tobytes()).decode()


def shaped(tensor):
    return {"shape": list(tensor.shape), "data": packed(tensor)}


def named(tensors, pack=shaped):
    tensors = {name.replace("running_var", "running_variance"): tensor for name, tensor in tensors.items()}
    return {name: pack(t) for name, t in tensors.items() if "num_batches" not in name}


def scale_of(tensor):
    """The power of two of whose multiples up to 127 a tensor can be made."""
    return float(2 ** np.ceil(np.log2(tensor.abs().max().item() / 127)))


def on_grid(tensor):
    """The tensor rounded to such multiples: exact in float32, and a quarter of its size in a file."""
    scale = scale_of(tensor)
    return (tensor / scale).round().clamp(-127, 127) * scale


def packed_grid(tensor):
    scale = scale_of(tensor)
    multiples = (tensor / scale).detach().numpy()
    assert (multiples == multiples.round()).all()
    return {"shape": list(tensor.shape), "scale": scale, "data": base64.b64encode(multiples.astype("i1").tobytes()).decode()}


def statistics(network):
    return {name: t.clone() for name, t in network.named_buffers() if "num_batches" not in name}


def recorded_step(network, values, x, loss_of):
    """Loss, gradients and running statistics of one step from the given values, then `eval()`'s output for the first image."""
    network.load_state_dict({name: values.get(name, t) for name, t in network.state_dict().items()})
    loss = loss_of(network.train()(x))
    loss.backward()
    gradients = {name: parameter.grad for name, parameter in network.named_parameters()}
    after = statistics(network)
    output = network.eval()(x[:1])
    print(type(network).__name__, loss.item(), min(g.norm().item() for g in gradients.values()))
    return {
        "loss": loss.item(),
        "gradients": {name: packed(g) for name, g in gradients.items()},
        "statisticsAfter": named(after),
        "evaluated": packed(output),
    }
