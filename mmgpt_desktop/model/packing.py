"""The shipped form of the weights: one safetensors file that serves both runtimes.

Matrices and convolutions are int8 with one scale a row (`name` and `name.scale`, w = q * scale,
q = round(w / scale), scale = max|row| / 127); convolutions with few weights a row, as depthwise
ones, float16; the few small tensors float32, token ids int64. Both runtimes compute in float32
with exactly these values. Of 4 bits (`halve`) are mmgpt-small's adapters, a painter's matrices, and
of our own model those that bear it best: the table of tokens, and what names and joins cells.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load, save_file
from torch import Tensor

from mmgpt_desktop.model.configuration import MMGPTConfig
from mmgpt_desktop.model.modelling import MMGPTForConditionalGeneration

WEIGHTS = "model.safetensors"
SCALE = ".scale"
BLOCK = 32
_LONG_ROW = 64
_HALVED = {
    "embedding.weight",
    "encoder.classifier.weight",
    "cells.coarse.weight",
    "joiner.join.weight",
}
"""Of our own model."""


def pack(
    state: Mapping[str, Tensor], halved: Callable[[str], bool] = lambda _name: False
) -> dict[str, Tensor]:
    """A model's state in the shipped form; a tied or counting tensor is left out. Matrices of
    whose names `halved` says so are of 4 bits, where their columns allow it."""
    packed: dict[str, Tensor] = {}
    for name, tensor in state.items():
        if _is_left_out(name):
            continue
        if not tensor.is_floating_point():
            packed[name] = tensor
        elif tensor.ndim == 4 and tensor[0].numel() < _LONG_ROW:
            packed[name] = tensor.to(torch.float16)
        elif tensor.ndim == 2 and tensor.shape[1] % BLOCK == 0 and halved(name):
            packed[name], packed[name + SCALE] = halve(tensor)
        elif tensor.ndim in (2, 4):
            packed[name], packed[name + SCALE] = quantise(tensor)
        else:
            packed[name] = tensor.to(torch.float32)
    return {name: tensor.contiguous() for name, tensor in packed.items()}


def _is_left_out(name: str) -> bool:
    return name == "lm_head.weight" or name.endswith("num_batches_tracked")


def quantise(weights: Tensor) -> tuple[Tensor, Tensor]:
    """int8 values of a matrix or a convolution, and float32 scales [rows, 1, ...]."""
    most = weights.abs().amax(dim=tuple(range(1, weights.ndim)), keepdim=True)
    scale = most.clamp(min=1e-12).to(torch.float32) / 127
    return (weights / scale).round().to(torch.int8), scale


def halve(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """4 bits a weight: uint8 values [rows, columns / 2], the first in the low bits, and float16
    scales [rows, blocks] of `BLOCK` columns, w = (q - 8) * scale. Scales are chosen among some
    for the least squared error. Columns must be a multiple of `BLOCK`."""
    parts = matrix.to(torch.float32).unflatten(1, (-1, BLOCK))
    most = parts.abs().amax(dim=2, keepdim=True).clamp(min=1e-8)
    best, least = most / 7, torch.full_like(most, torch.inf)
    for share in torch.linspace(0.7, 1.1, 17).tolist():
        scale = (most / 7 * share).half().float().clamp(min=1e-7)
        error = (_in_steps(parts, scale) * scale - parts).square().sum(dim=2, keepdim=True)
        best, least = torch.where(error < least, scale, best), torch.minimum(error, least)
    codes = (_in_steps(parts, best) + 8).to(torch.uint8).flatten(1)
    return codes[:, 0::2] | codes[:, 1::2] << 4, best[..., 0].to(torch.float16)


def _in_steps(parts: Tensor, scale: Tensor) -> Tensor:
    steps: Tensor = (parts / scale).round().clamp(-8, 7)
    return steps


def restored(codes: Tensor, scales: Tensor) -> Tensor:
    """The float32 matrix that `halve` stands for."""
    values = torch.stack([codes & 15, codes >> 4], dim=2).flatten(1).to(torch.float32) - 8
    parts = values.unflatten(1, (-1, BLOCK)) * scales.to(torch.float32)[..., None]
    matrix: Tensor = parts.flatten(1)
    return matrix


def unpack(packed: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state, float32 and int64, that the shipped tensors stand for."""
    state = {}
    for name, tensor in packed.items():
        if tensor.dtype == torch.uint8:
            state[name] = restored(tensor, packed[name + SCALE])
        elif name + SCALE in packed:
            state[name] = tensor.to(torch.float32) * packed[name + SCALE]
        elif not name.endswith(SCALE):
            state[name] = tensor.to(torch.float32) if tensor.is_floating_point() else tensor
    return state


def write_tensors(tensors: dict[str, Tensor], file: Path) -> None:
    """Safetensors, readable for all: the library keeps them to their owner."""
    save_file(tensors, file, metadata={"format": "pt"})
    file.chmod(0o644)


def save_packed(model: MMGPTForConditionalGeneration, bundle: Path) -> None:
    """Write `model.safetensors` and `config.json`."""
    write_tensors(pack(model.state_dict(), _HALVED.__contains__), bundle / WEIGHTS)
    model.config.save_pretrained(bundle)


def load_model(folder: Path, **changes: Any) -> MMGPTForConditionalGeneration:
    """The model of a training run's folder or of a bundle, to be trained, with these changes of
    its config; what a bundle leaves out, or the config adds, is new."""
    state = load((folder / WEIGHTS).read_bytes())
    packed = any(name.endswith(SCALE) for name in state)
    return MMGPTForConditionalGeneration.from_pretrained(
        None,
        config=MMGPTConfig.from_pretrained(folder, **changes),
        state_dict=unpack(state) if packed else state,
    )


def load_packed(bundle: Path) -> MMGPTForConditionalGeneration:
    """The model of a bundle, in float32 and evaluation mode."""
    model = MMGPTForConditionalGeneration(MMGPTConfig.from_pretrained(bundle))
    # Of bytes: `load_file` loses a little memory for each tensor, each time (safetensors 0.8).
    state = unpack(load((bundle / WEIGHTS).read_bytes()))
    missing, unexpected = model.load_state_dict(state, strict=False)
    wrong = [*unexpected, *(name for name in missing if not _is_left_out(name))]
    if wrong:
        raise ValueError(f"weights do not fit the model: {wrong[:3]}")
    model.tie_weights()
    model.eval()
    return model
