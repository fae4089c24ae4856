"""Tensors of a checkpoint's files, without torch."""

from __future__ import annotations

import json
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import save_file

from mmgpt_desktop.errors import BundleError
from mmgpt_desktop.export.weights import DecoderWeights, SafetensorsWeights

VALUES = np.array([[1.5, -2.25], [0.0, 1024.0]], np.float32)


def bf16_file(path: Path) -> None:
    stored = VALUES.astype(ml_dtypes.bfloat16).tobytes()
    entry = {"dtype": "BF16", "shape": [2, 2], "data_offsets": [0, len(stored)]}
    header = json.dumps({"__metadata__": {}, "c": entry}).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header + stored)


def test_every_shard_and_kind_of_number_is_read_as_float32(tmp_path: Path) -> None:
    save_file({"a": VALUES, "ids": np.arange(3)}, tmp_path / "model-00001-of-00002.safetensors")
    save_file({"b": VALUES.astype(np.float16)}, tmp_path / "model-00002-of-00002.safetensors")
    bf16_file(tmp_path / "more.safetensors")
    weights = SafetensorsWeights(tmp_path.iterdir())
    assert sorted(weights) == ["a", "b", "c"]
    for name in weights:
        assert weights[name].dtype == np.float32
        np.testing.assert_array_equal(weights[name], VALUES)


@pytest.mark.parametrize("kept", [3, 20])
def test_a_damaged_header_is_named(tmp_path: Path, kept: int) -> None:
    file = tmp_path / "model.safetensors"
    save_file({"a": VALUES}, file)
    file.write_bytes(file.read_bytes()[:kept])
    with pytest.raises(BundleError, match=r"model\.safetensors is damaged"):
        SafetensorsWeights([file])


def test_missing_numbers_are_noticed(tmp_path: Path) -> None:
    file = tmp_path / "model.safetensors"
    save_file({"a": VALUES}, file)
    file.write_bytes(file.read_bytes()[:-4])
    with pytest.raises(BundleError, match="is cut short"):
        SafetensorsWeights([file])["a"]


@pytest.mark.parametrize(
    ("prefix", "head"),
    [
        ("model.", "lm_head.weight"),
        ("language_model.model.", "language_model.lm_head.weight"),
        ("model.text_model.", "lm_head.weight"),
        ("model.language_model.", None),
    ],
)
def test_the_language_model_is_found_wherever_it_stands(prefix: str, head: str | None) -> None:
    nothing = np.zeros((1, 1), np.float32)
    tensors = {
        f"{prefix}embed_tokens.weight": VALUES,
        f"{prefix}layers.0.self_attn.q_proj.weight": nothing,
        "model.vision_tower.layers.0.self_attn.q_proj.weight": nothing,
    }
    if head:
        tensors[head] = VALUES + 1
    weights = DecoderWeights(tensors)
    assert "layers.0.self_attn.q_proj.weight" in weights
    np.testing.assert_array_equal(weights.head(), VALUES + (1 if head else 0))
