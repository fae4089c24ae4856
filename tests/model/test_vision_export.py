from __future__ import annotations

from pathlib import Path

import numpy as np

from mmgpt_desktop.engine.checkpoint import open_checkpoint
from mmgpt_desktop.engine.families.registry import family_of
from mmgpt_desktop.engine.graph_session import Graph
from mmgpt_desktop.engine.public_onnx import FEATURES
from mmgpt_desktop.engine.public_torch_models import public_torch
from mmgpt_desktop.engine.runtime import CancelToken
from mmgpt_desktop.export.vision import export_vision
from tests.model.test_llava import tiny_llava
from tests.public_models import noise_photo


def test_llavas_image_encoder_gives_what_pytorch_gives(tmp_path: Path) -> None:
    checkpoint = open_checkpoint(tiny_llava(tmp_path / "llava"))
    family, path = family_of(checkpoint), tmp_path / "vision_encoder.onnx"
    export_vision(checkpoint, family, path)
    graph, runtime, cancel = Graph(path, cuda=False), public_torch(checkpoint), CancelToken()
    for photo in (noise_photo(150, 100), noise_photo(90, 200)):
        seen = family.see(photo)
        (features,) = graph.run([FEATURES], seen.inputs, cancel)
        expected = runtime.encode(seen, cancel).embeddings.numpy()
        np.testing.assert_allclose(features, expected, atol=1e-6)
