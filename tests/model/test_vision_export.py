from __future__ import annotations

import shutil
from pathlib import Path
from pkgutil import resolve_name

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file
from transformers import AutoModelForImageTextToText

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.checkpoint_onnx import CheckpointOnnx
from mmgpt_desktop.engine.checkpoint_torch import CheckpointTorch
from mmgpt_desktop.engine.families.registry import checkpoint_torch, families, family_of
from mmgpt_desktop.engine.families.runtimes.idefics_torch import IdeficsEncoder
from mmgpt_desktop.engine.folder.checkpoint import open_checkpoint
from mmgpt_desktop.engine.graphs.graph_session import Graph
from mmgpt_desktop.engine.graphs.names import FEATURES, KEYS, VALUES
from mmgpt_desktop.engine.image_encoder import ImageEncoder
from mmgpt_desktop.errors import RuntimeFailure
from mmgpt_desktop.export.smaller_encoder import halve, quantise
from mmgpt_desktop.export.vision import export_vision
from tests.families.checkpoints import noise_photo
from tests.families.tiny import TINY
from tests.families.tiny_idefics import tiny_idefics
from tests.families.tiny_qwen import tiny_qwen3


def test_llavas_image_encoder_gives_what_pytorch_gives(tmp_path: Path) -> None:
    checkpoint = open_checkpoint(TINY["llava"](tmp_path / "llava"))
    family, path = family_of(checkpoint), tmp_path / "vision_encoder.onnx"
    export_vision(checkpoint, family, path)
    graph, runtime, cancel = Graph(path, cuda=False), checkpoint_torch(checkpoint), CancelToken()
    for photo in (noise_photo(150, 100), noise_photo(90, 200)):
        inputs = family.preprocess(photo)
        (features,) = graph.run([FEATURES], inputs.arrays, cancel)
        expected = runtime.encode(inputs, cancel).embeddings.numpy()
        np.testing.assert_allclose(features, expected, atol=1e-6)


def test_no_random_numbers_are_exported_for_missing_tensors(tmp_path: Path) -> None:
    folder = TINY["llava"](tmp_path / "llava")
    tensors = load_file(folder / "model.safetensors")
    kept = {name: each for name, each in tensors.items() if "projector" not in name}
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})
    checkpoint = open_checkpoint(folder)
    with pytest.raises(RuntimeFailure, match="not whole; missing tensors: 4, among them model"):
        export_vision(checkpoint, family_of(checkpoint), tmp_path / "vision_encoder.onnx")


def test_fewer_bits_are_fewer_bytes_and_nearly_as_true(tmp_path: Path) -> None:
    checkpoint = open_checkpoint(tiny_qwen3(tmp_path / "qwen"))
    family, cancel = family_of(checkpoint), CancelToken()
    inputs = family.preprocess(noise_photo(50, 40))
    expected = checkpoint_torch(checkpoint).encode(inputs, cancel).embeddings[0].numpy()
    whole = tmp_path / "whole" / "vision_encoder.onnx"
    whole.parent.mkdir()
    export_vision(checkpoint, family, whole)
    for smaller, share, error in ((halve, 0.6, 1e-3), (quantise, 0.5, 2e-2)):
        path = Path(shutil.copytree(whole.parent, tmp_path / smaller.__name__)) / whole.name
        smaller(path)
        (found,) = Graph(path, cuda=False).run([FEATURES], inputs.arrays, cancel)
        assert 0 < np.abs(found - expected).max() < error * np.ptp(expected)
        sizes = [file.with_name(f"{file.name}.data").stat().st_size for file in (path, whole)]
        assert sizes[0] < share * sizes[1]


def test_every_family_names_classes_that_run_and_export_it() -> None:
    assert families().keys() == TINY.keys()
    for kind in families().values():
        assert issubclass(resolve_name(kind.torch_runtime), CheckpointTorch)
        assert issubclass(resolve_name(kind.onnx_runtime), CheckpointOnnx)
        assert issubclass(resolve_name(kind.encoder), ImageEncoder)


def test_idefics_without_a_resampler_gives_keys_and_values_alone(tmp_path: Path) -> None:
    path = tiny_idefics(tmp_path / "idefics", resampler=False)
    model = AutoModelForImageTextToText.from_pretrained(path).eval().model
    encoder, pixels = IdeficsEncoder(model), torch.randn(1, 3, 28, 28)
    with torch.inference_mode():
        keys, values = encoder(pixels)
        patches = model.vision_model(pixel_values=pixels).last_hidden_state
        expected = model.gated_cross_attn_layers[1].cross_attn.v_proj(patches)[0]
    assert encoder.outputs == (KEYS, VALUES)
    assert keys.shape == values.shape == (2, 2, 17, 16)  # layers, heads, patches, width
    torch.testing.assert_close(values[1].transpose(0, 1).flatten(1), expected)
