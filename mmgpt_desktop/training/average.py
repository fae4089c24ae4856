"""Stage 6: the weighted mean of models of one origin, often better than each of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from mmgpt_desktop.errors import AppError
from mmgpt_desktop.model import MMGPTForConditionalGeneration
from mmgpt_desktop.model.packing import load_model


def average(shares: Sequence[tuple[Path, float]], out: Path) -> Path:
    """Save the mean of models' weights; their `shares` are relative to their sum.

    "Model soups" (Wortsman et al., 2022): it works where one model was trained on from the
    other, or both from a third. Raises AppError for models of different shapes.
    """
    weight = dict(shares)
    total = sum(weight.values())
    if not total > 0 or min(weight.values()) < 0:
        raise AppError("The shares of an average must not be negative, nor all be 0.")
    first, *others = weight
    model = load_model(first)
    tuned = model.config.tuned
    mean = {name: tensor * (weight[first] / total) for name, tensor in _floats(model).items()}
    for folder in others:
        other = load_model(folder)
        tuned = tuned or other.config.tuned
        weights = _floats(other)
        if {n: t.shape for n, t in weights.items()} != {n: t.shape for n, t in mean.items()}:
            raise AppError("The model {name} has other parts than the first.", name=folder.name)
        for name, tensor in weights.items():
            mean[name] += tensor * (weight[folder] / total)
    model.load_state_dict(mean, strict=False)  # what is no float is the same in all
    model.config.tuning = 0.0 if tuned else None
    model.save_pretrained(out)
    return out


def _floats(model: MMGPTForConditionalGeneration) -> dict[str, torch.Tensor]:
    return {name: each for name, each in model.state_dict().items() if each.is_floating_point()}
