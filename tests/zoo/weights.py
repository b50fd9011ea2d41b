"""Parameters for the zoo from numpy alone, so that every machine makes the same bytes."""

from __future__ import annotations

import megengine.module as M
import numpy as np

NORMS = (M.BatchNorm1d, M.BatchNorm2d, M.GroupNorm, M.InstanceNorm, M.LayerNorm)


def fill(module: M.Module, seed: int, *, gain: float = 1.0) -> None:
    """Set every parameter of `module`, and the statistics of its batch norms, from `seed`.

    Only uniform draws are used: they are exact on every platform. Weights keep the variance of
    what flows through them, times `gain` squared (deep networks need less than 1). Normalisation
    gets statistics and an affine part so far from (0, 1, 1, 0) that a folding error shows. Other
    buffers (indices, masks) keep their values.
    """
    random = np.random.RandomState(seed)
    norms = {name for name, part in module.named_modules() if isinstance(part, NORMS)}
    statistics = [pair for pair in module.named_buffers() if "running_" in pair[0]]
    tensors = list(module.named_parameters()) + statistics
    for name, tensor in sorted(tensors, key=lambda pair: pair[0]):
        owner, _, leaf = name.rpartition(".")
        low, high = _limits(leaf, tensor.shape, norm=owner in norms, gain=gain)
        values = low + (high - low) * random.random_sample(tensor.shape)
        tensor[...] = values.astype(np.float32)


def _limits(leaf: str, shape: tuple[int, ...], *, norm: bool, gain: float) -> tuple[float, float]:
    """Return the interval that the values of a tensor come from."""
    factor = np.prod(shape) == 1 and leaf != "bias"
    if factor or leaf == "running_var" or (norm and leaf == "weight"):
        return 0.5, 1.5
    if len(shape) < 2 or leaf in ("bias", "running_mean") or max(shape) == np.prod(shape):
        return -0.2, 0.2
    if leaf == "_flatten_weights":  # of LSTM and RNN: all matrices and biases in one
        return -0.5, 0.5
    receptive = shape[1:] if len(shape) < 5 else shape[-3:]
    limit = gain * float(np.sqrt(6.0 / np.prod(receptive)))
    return -limit, limit
