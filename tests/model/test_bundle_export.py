"""A tiny SmolVLM exported, and opened by the app as a folder of graphs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
from safetensors.numpy import load_file, save_file

from mmgpt_desktop import cli
from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.chat.model_inputs import Context
from mmgpt_desktop.engine.checkpoint_engine import CheckpointEngine
from mmgpt_desktop.engine.checkpoint_onnx import CheckpointOnnx
from mmgpt_desktop.engine.checkpoint_torch import CheckpointTorch
from mmgpt_desktop.engine.families.registry import family_of
from mmgpt_desktop.engine.folder.checkpoint import open_checkpoint, read_checkpoint
from mmgpt_desktop.engine.folder.layouts import PROMPT
from mmgpt_desktop.engine.graphs.attention_nodes import ATTENTION
from mmgpt_desktop.errors import AppError, BundleError, RuntimeFailure
from mmgpt_desktop.export.export_folder import DECODER, EMBEDDINGS, VISION, export
from mmgpt_desktop.export.linear import Precision
from mmgpt_desktop.messages import GenerationRequest, Message, RuntimeName, Sampling, TokenStep
from tests.families.checkpoints import noise_photo, tiny_smolvlm
from tests.not_none import not_none

CPU = RuntimeName.ONNX_CPU
PHOTO = noise_photo(150, 100)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Heads as wide as ONNX Runtime's operator takes them: a multiple of 16. Beside it are
    weights of the same names that are no part of it."""
    folder = tiny_smolvlm(tmp_path_factory.mktemp("model") / "tiny-smolvlm", head_dim=16)
    tensors = load_file(folder / "model.safetensors")
    mean = {name: np.zeros_like(each) for name, each in tensors.items()}
    save_file(mean, folder / "model_ema.safetensors")
    return folder


def exported(checkpoint: Path, out: Path, precision: Precision) -> dict[str, int]:
    told = list[float]()
    users = out.with_name(out.name + ".part") / "mine"
    users.mkdir(parents=True)
    sizes = export(checkpoint, out, precision, lambda fraction, _what: told.append(fraction))
    assert told == sorted(told)
    assert {VISION, EMBEDDINGS, DECODER} <= sizes.keys()
    assert not list(out.parent.glob(".exporting-*"))
    assert users.exists()
    assert len({file.stat().st_mode for file in out.iterdir()}) == 1  # all for all users
    return sizes


@pytest.fixture(scope="module")
def graphs(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out") / "graphs"
    exported(checkpoint, out, Precision.FP32)
    return out


def differences(
    checkpoint: Path, folder: Path, cache: Path, *, tiled: bool = False
) -> tuple[float, float]:
    """The greatest difference to PyTorch, of logits and of attention, as an answer begins."""
    whole, cancel = open_checkpoint(checkpoint), CancelToken()
    family = family_of(whole)
    inputs = family.preprocess(PHOTO, tiled=tiled)
    prompt = family.build_prompt([Message("user", "What is this?")], [inputs], 16)
    results = []
    for runtime in (
        CheckpointTorch(whole),
        CheckpointOnnx(read_checkpoint(folder), CPU, cache=cache),
    ):
        context = Context(prompt, (inputs,), (runtime.encode(inputs, cancel),))
        first = runtime.decode(prompt.token_ids, context, None, attention=True, cancel=cancel)
        then = runtime.decode([5], context, first.cache, attention=True, cancel=cancel)
        results.append((first, then))
    pairs = list(zip(*results, strict=True))
    assert all(mine.attention is not None for _, mine in pairs)
    logits = max(float(np.abs(one.logits - two.logits).max()) for one, two in pairs)
    attention = max(float(np.abs(one.attention - two.attention).max()) for one, two in pairs)
    return logits, attention


@pytest.mark.parametrize("tiled", [False, True])
def test_the_graphs_give_what_pytorch_gives(
    checkpoint: Path, graphs: Path, tmp_path: Path, tiled: bool
) -> None:
    logits, attention = differences(checkpoint, graphs, tmp_path, tiled=tiled)
    assert logits < 1e-4
    assert attention < 1e-5


@pytest.mark.parametrize(
    "precision", [Precision.FP16, Precision.INT8, Precision.INT4, Precision.MIXED]
)
def test_smaller_ones_are_near_it(checkpoint: Path, tmp_path: Path, precision: Precision) -> None:
    out = tmp_path / "out"
    exported(checkpoint, out, precision)
    logits, attention = differences(checkpoint, out, tmp_path / "cache")
    assert 0 < logits < 0.1
    assert attention < 0.02
    assert json.loads((out / "manifest.json").read_text())["precision"] == precision


def test_a_mixed_one_reads_the_prompt_with_a_graph_of_its_own(
    checkpoint: Path, tmp_path: Path
) -> None:
    """Truer than with 4 bits, and the answer goes on from what it left in the cache."""
    mixed = exported(checkpoint, tmp_path / "mixed", Precision.MIXED)
    four = exported(checkpoint, tmp_path / "four", Precision.INT4)
    assert mixed.keys() - four.keys() == {PROMPT, f"{PROMPT}.data"}
    whole, cancel = read_checkpoint(tmp_path / "mixed"), CancelToken()
    runtime = CheckpointOnnx(whole, CPU, cache=tmp_path / "cache")
    graph = not_none(runtime.decoder.prompt)
    assert sorted(graph.outputs) == sorted(runtime.decoder.pairs.values())
    family = family_of(whole)
    inputs = family.preprocess(PHOTO)
    prompt = family.build_prompt([Message("user", "What is this?")], [inputs], 16)
    context = Context(prompt, (inputs,), (runtime.encode(inputs, cancel),))
    found = runtime.decode(prompt.token_ids, context, None, attention=True, cancel=cancel)
    assert found.cache.length == len(prompt.token_ids)
    runtime.decoder.prompt = None
    slow = runtime.decode(prompt.token_ids, context, None, attention=True, cancel=cancel)
    assert 0 < np.abs(found.logits - slow.logits).max() < 0.1


def answer(folder: Path, runtime: RuntimeName) -> tuple[list[TokenStep], CheckpointEngine]:
    engine, steps = CheckpointEngine(folder, runtime), list[TokenStep]()
    engine.load()
    messages = (Message("user", "What is this?"),)
    request = GenerationRequest(1, (PHOTO,), messages, Sampling(max_new_tokens=4))
    outcome = engine.generate(request, CancelToken(), steps.append)
    assert (outcome.kind, outcome.error) == ("done", None)
    return steps, engine


def test_the_engine_answers_from_the_graphs(checkpoint: Path, graphs: Path) -> None:
    slow, _ = answer(checkpoint, RuntimeName.TORCH)
    fast, engine = answer(graphs, CPU)
    assert engine.runtime.runtime is CPU
    assert [step.token_id for step in fast] == [step.token_id for step in slow]
    for one, two in zip(fast, slow, strict=True):
        assert one.attention is not None
        assert two.attention is not None
        np.testing.assert_allclose(one.attention.weights, two.attention.weights, atol=1e-3)


def test_the_community_s_layout_opens_without_a_manifest(
    checkpoint: Path, graphs: Path, tmp_path: Path
) -> None:
    """`onnx/`, other names, and a decoder that gives no attention."""
    folder = tmp_path / "community"
    shutil.copytree(graphs, folder)
    (folder / "manifest.json").unlink()
    (folder / "onnx").mkdir()
    for name in (EMBEDDINGS, VISION, f"{VISION}.data", f"{DECODER}.data"):
        (folder / name).rename(folder / "onnx" / name)
    decoder = onnx.load(folder / DECODER, load_external_data=False)
    kept = [each for each in decoder.graph.output if each.name != ATTENTION]
    del decoder.graph.output[:]
    decoder.graph.output.extend(kept)
    onnx.save(decoder, folder / "onnx" / "decoder_model_merged.onnx")
    (folder / DECODER).unlink()
    logits, attention = differences(checkpoint, folder, tmp_path / "cache")
    assert logits < 1e-4
    assert attention < 1e-5
    assert list((tmp_path / "cache").glob("attention-*.onnx"))


def test_a_folder_in_use_is_not_written_into(checkpoint: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(AppError, match="is not empty"):
        export(checkpoint, tmp_path, Precision.FP32, lambda _fraction, _what: None)
    assert [file.name for file in tmp_path.iterdir()] == ["mine.txt"]


def test_what_can_not_be_exported_leaves_nothing(checkpoint: Path, tmp_path: Path) -> None:
    folder, out = tmp_path / "other", tmp_path / "out"
    shutil.copytree(checkpoint, folder)
    config = json.loads((folder / "config.json").read_text())
    config["text_config"]["model_type"] = "gpt2"
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(BundleError, match="gpt2"):
        export(folder, out, Precision.FP32, lambda _fraction, _what: None)
    assert not out.exists()


def test_the_command_reports_what_it_wrote_though_its_heads_can_not_be_chosen(
    checkpoint: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(*_: object) -> str:
        raise RuntimeFailure("There is no memory.", "Close other programs.")

    monkeypatch.setattr("mmgpt_desktop.export.export_folder.choose_heads", fail)
    words = ["export", str(checkpoint), str(tmp_path / "graphs"), "--precision", "fp32"]
    assert cli.main([*words, "--no-comparison"]) == 0
    out, told = capsys.readouterr()
    assert f"MB  {DECODER}\n" in out
    assert "could not be tried to the end. There is no memory. Close other programs." in out
    assert "Comparing" not in told
