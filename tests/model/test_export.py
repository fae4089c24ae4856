"""The exported graphs against the model, on tiny random weights."""

from __future__ import annotations

import json
import shutil
import warnings
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from PIL import Image

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.folder.bundle import Certainty, KindOfCertainty, open_bundle
from mmgpt_desktop.engine.folder.tensor_files import read_header
from mmgpt_desktop.engine.onnx_runtime import OnnxRuntime
from mmgpt_desktop.engine.torch_runtime import TorchRuntime
from mmgpt_desktop.errors import AppError
from mmgpt_desktop.messages import RuntimeName
from mmgpt_desktop.model import MMGPTForConditionalGeneration
from mmgpt_desktop.model.configuration import CONCAT, CROSS_ATTENTION, FUSIONS, GRAPH
from mmgpt_desktop.model.packing import load_packed, pack, quantise, unpack
from mmgpt_desktop.training.embedded_bundle import (
    build_bundle,
    change_manifest,
    export_again,
    load_trained,
)
from mmgpt_desktop.training.head_scores import HeadScores
from mmgpt_desktop.training.parity import answers_kept, compare_photos

CANCEL = CancelToken()
PIXELS = np.random.default_rng(0).uniform(-1, 1, (1, 3, 64, 64)).astype(np.float32)
Runtimes = tuple[OnnxRuntime, TorchRuntime]


@pytest.fixture(scope="module")
def bundle(
    tiny_model: MMGPTForConditionalGeneration,
    tiny_tokenizer: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    folder = tmp_path_factory.mktemp("bundle")
    heads = dict.fromkeys(FUSIONS, HeadScores([[0.1, 0.4], [0.3, 0.2]], 0.05, 10))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own
        build_bundle(tiny_model, tiny_tokenizer, heads, Certainty(1.2, 0.3, 0.2), folder / "tiny")
    return folder / "tiny"


@pytest.fixture(scope="module")
def runtimes(bundle: Path) -> Runtimes:
    opened = open_bundle(bundle)
    opened.verify(lambda _: None, CANCEL)
    return OnnxRuntime(opened, RuntimeName.ONNX_CPU), TorchRuntime(opened)


@pytest.mark.parametrize("chunks", [[7], [4, 3], [5, 1, 1], [1, 6]])
@pytest.mark.parametrize("picture", [True, False])
def test_graphs_equal_the_model(
    runtimes: Runtimes, fusion: str, chunks: list[int], picture: bool
) -> None:
    ids = [1, 20, 30, 40, 2, 50, 60]
    results = []
    for runtime in runtimes:
        encoded = runtime.encode(PIXELS if picture else None, fusion, CANCEL)
        cache, start = None, 0
        for size in chunks:
            feed = ids[start : start + size]
            result = runtime.decode(feed, encoded, cache, attention=True, cancel=CANCEL)
            cache, start = result.cache, start + size
        results.append(result)
    ours, theirs = results
    assert np.abs(ours.logits - theirs.logits).max() < 1e-3
    scores, expected = (
        runtime.score(ids, runtime.encode(PIXELS if picture else None, fusion, CANCEL), CANCEL)
        for runtime in runtimes
    )
    assert scores.shape == (len(ids), 300)
    assert np.abs(scores - expected).max() < 1e-3
    assert np.abs(scores[-1] - ours.logits).max() < 1e-3
    assert ours.attention is not None
    assert theirs.attention is not None
    layers, positions = (4, 8) if fusion == CONCAT else (2, 20)
    assert ours.attention.shape == (layers + 1, 2, positions if picture else 0)
    assert np.allclose(ours.attention, theirs.attention, atol=1e-4)


def test_edges_equal_the_models(runtimes: Runtimes) -> None:
    ours, theirs = (runtime.edges(PIXELS, GRAPH, CANCEL) for runtime in runtimes)
    assert ours is not None
    assert theirs is not None
    assert ours.shape == (16, 16)
    assert np.allclose(ours, theirs, atol=1e-4)


def test_the_weights_lie_in_the_bundle_once(bundle: Path) -> None:
    graphs = {path.name: path.stat().st_size for path in bundle.glob("*.onnx")}
    assert set(graphs) == {
        "decoder.concat.onnx",
        "decoder.cross_attention.onnx",
        *(f"image_encoder.{fusion}.onnx" for fusion in FUSIONS),
    }
    assert sum(graphs.values()) < 2_000_000
    stored = read_header(bundle / "model.safetensors").tensors
    assert stored["embedding.weight"].dtype == "U8", "of 4 bits"
    assert stored["blocks.0.self_attention.output.weight"].dtype == "I8"
    assert stored["names.tokens"].dtype == "I64"
    assert "lm_head.weight" not in stored


def test_no_graph_has_what_a_graphics_card_lacks(bundle: Path) -> None:
    """CUDA has no sequences; and what CastLike does to a constant is done at each run."""
    for path in bundle.glob("*.onnx"):
        graph = onnx.load(str(path), load_external_data=False).graph
        operators = {node.op_type for node in graph.node}
        assert "MatMul" in operators
        assert not operators & {"CastLike", "SplitToSequence", "SequenceAt"}, path.name


def test_graphs_exported_again_leave_the_weights_alone(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def export(model: MMGPTForConditionalGeneration, folder: Path) -> None:  # the real one is slow
        (folder / "decoder.concat.onnx").write_bytes(b"anew")

    monkeypatch.setattr("mmgpt_desktop.training.embedded_bundle.export", export)
    copy = Path(shutil.copytree(bundle, tmp_path / "tiny"))
    export_again(copy)
    opened, before = open_bundle(copy), open_bundle(bundle)
    opened.verify(lambda _: None, CANCEL)
    files = opened.manifest.files
    changed = {name for name in files if files[name] != before.manifest.files[name]}
    assert changed == {"decoder.concat.onnx"}
    assert replace(opened.manifest, files={}) == replace(before.manifest, files={})


def test_certainty_fitted_anew_changes_nothing_else(bundle: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(bundle, tmp_path / "tiny"))
    own = KindOfCertainty(kind="count", language="zh", power=1.0, scale=0.1)
    certainty = Certainty(0.9, 0.3, 0.2, 1.5, 0.25, (own,))
    change_manifest(copy, certainty=asdict(certainty))
    opened = open_bundle(copy)
    opened.verify(lambda _: None, CANCEL)
    assert opened.manifest.certainty == certainty
    before = open_bundle(bundle).manifest
    assert replace(opened.manifest, certainty=before.certainty) == before


def test_the_manifest_tells_what_each_fusion_needs(bundle: Path) -> None:
    manifest = json.loads((bundle / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["fusion"] == CROSS_ATTENTION
    assert tuple(manifest["fusions"]) == FUSIONS
    graph, concat = manifest["fusions"][GRAPH], manifest["fusions"][CONCAT]
    assert graph["decoder"] == manifest["fusions"][CROSS_ATTENTION]["decoder"] != concat["decoder"]
    assert (graph["image_layers"], concat["image_layers"]) == (2, 4)
    assert graph["grid"] == {"rows": 4, "columns": 4}
    assert concat["grid"] == {"rows": 2, "columns": 2}
    assert graph["attention"]["heads"] == [[0, 1], [1, 0], [1, 1]]
    assert "40 %" in graph["attention"]["how"]["values"]["found"]
    assert (
        manifest["certainty"].items()
        >= {"temperature": 1.2, "doubt": 0.3, "doubt_long": 0.2}.items()
    )
    assert manifest["certainty"].keys() >= {"power", "scale"}


def test_the_default_fusion_is_one_that_was_trained(
    tiny_model: MMGPTForConditionalGeneration, tmp_path: Path
) -> None:
    tiny_model.save_pretrained(tmp_path)
    assert load_trained(tmp_path, GRAPH).config.fusion == GRAPH
    assert load_trained(tmp_path, None).config.fusion == CROSS_ATTENTION
    with pytest.raises(AppError, match="no fusion guess"):
        load_trained(tmp_path, "guess")


def test_parity_of_each_fusion_is_told(bundle: Path, tmp_path: Path) -> None:
    Image.fromarray(np.random.default_rng(1).integers(0, 255, (50, 60, 3), np.uint8)).save(
        tmp_path / "photo.png"
    )
    found = compare_photos([tmp_path / "photo.png"], bundle)
    assert [parity.fusion for parity in found] == list(FUSIONS)
    for parity in found:
        assert parity.identical == 1
        assert parity.logits < 1e-2
        assert parity.attention < 1e-3
        assert str(parity).startswith(f"{parity.fusion}, 1 photos: logits differ by at most ")


def test_what_packing_changes_is_counted(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "images" / "coco").mkdir(parents=True)
    Image.new("RGB", (50, 60), "red").save(tmp_path / "images/coco/a.png")
    row = {"kind": "caption", "question": "", "answer": "A wall.", "split": "dev"}
    line = json.dumps(row | {"image": "images/coco/a.png"})
    (tmp_path / "texts.jsonl").write_text(line, encoding="utf-8")
    model = load_packed(bundle)
    model.save_pretrained(tmp_path / "same")
    told = answers_kept(tmp_path, bundle, tmp_path / "same", 5)
    assert told.startswith("1 of 1 descriptions of dev photos")
    torch.nn.init.normal_(model.lm_head.weight)
    model.save_pretrained(tmp_path / "other")
    assert answers_kept(tmp_path, bundle, tmp_path / "other", 5).startswith("0 of 1 ")


def test_quantising_keeps_each_value_within_half_a_step() -> None:
    matrix = torch.randn(5, 64) * torch.logspace(-4, 2, 5)[:, None]
    values, scale = quantise(matrix)
    assert values.dtype == torch.int8
    assert ((values * scale - matrix).abs() <= scale / 2 + 1e-9).all()


def test_packing_keeps_a_row_of_zeros() -> None:
    packed = pack({"fully.weight": torch.zeros(3, 4)})
    assert (unpack(packed)["fully.weight"] == 0).all()


def test_packed_weights_are_those_of_the_model(
    bundle: Path, tiny_model: MMGPTForConditionalGeneration
) -> None:
    loaded = load_packed(bundle)
    state = tiny_model.state_dict()
    halved = ("embedding.", "lm_head.", "encoder.classifier.", "cells.coarse.", "joiner.join.")
    for name, weights in loaded.state_dict().items():
        if weights.is_floating_point():
            error = (weights - state[name]).norm() / state[name].norm().clamp(min=1e-9)
            assert float(error) < (0.12 if name.startswith(halved) else 0.01), name
    assert loaded.lm_head.weight is loaded.embedding.weight
    assert not loaded.training
