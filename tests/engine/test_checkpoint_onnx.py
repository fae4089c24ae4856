"""Graphs as the community writes them, beside PyTorch's own model."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from huggingface_hub import close_session
from numpy.typing import NDArray
from safetensors.numpy import save_file

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.chat.model_inputs import Context, ImageInputs, Prompt
from mmgpt_desktop.engine.checkpoint_engine import make_runtime
from mmgpt_desktop.engine.checkpoint_onnx import CheckpointOnnx
from mmgpt_desktop.engine.folder.checkpoint import read_checkpoint
from mmgpt_desktop.engine.folder.layouts import (
    CARD_PRECISIONS,
    FORMAT,
    PRECISIONS,
    find_graphs,
    fitting_graphs,
    is_graphs,
    precision_label,
    verify_graphs,
)
from mmgpt_desktop.engine.folder.model_files import MANIFEST
from mmgpt_desktop.engine.folder.recognise import PUBLIC
from mmgpt_desktop.engine.generate import Answer, decode
from mmgpt_desktop.engine.graphs.surgery import attending_graph
from mmgpt_desktop.engine.memory import BESIDE
from mmgpt_desktop.errors import BundleError, Cancelled, RuntimeFailure
from mmgpt_desktop.hub.cache import Hub
from mmgpt_desktop.hub.catalogue import CatalogueEntry
from mmgpt_desktop.hub.download import fetch
from mmgpt_desktop.messages import RuntimeName, Sampling
from tests.community import HEADS, KINDS, LAYERS, PATCH, PATCHES, make_llama, write_community
from tests.fakes import whole_grid
from tests.hub_server import REPOSITORY, running_hub

CPU = RuntimeName.ONNX_CPU
IMAGE = 9999  # beyond the vocabulary, as some families' is
PROMPT = (1, 5, *([IMAGE] * PATCHES), 7, 3)
PLACES = tuple(range(2, 2 + PATCHES))
PIXELS = np.random.default_rng(2).normal(size=(1, PATCHES, PATCH)).astype(np.float32)


@pytest.fixture(scope="module")
def llama() -> Any:
    return make_llama(2)


@pytest.fixture(scope="module")
def ungrouped() -> Any:
    """MultiHeadAttention has keys for each head."""
    return make_llama(HEADS)


def folder_of(tmp_path: Path, model: Any, kind: str, **options: Any) -> Path:
    (tmp_path / "config.json").write_text(
        json.dumps({"model_type": "llava", "num_attention_heads": HEADS})
    )
    write_community(tmp_path, model, kind, **options)
    return tmp_path


def open_runtime(folder: Path, **options: Any) -> CheckpointOnnx:
    return CheckpointOnnx(read_checkpoint(folder), CPU, cache=folder / "cache", **options)


def inputs() -> ImageInputs:
    grid = whole_grid(1, PATCHES, 60, 10)
    return ImageInputs({"pixel_values": PIXELS}, PATCHES, grid, np.eye(PATCHES, dtype=np.float32))


def context_of(runtime: CheckpointOnnx) -> Context:
    photo = inputs()
    prompt = Prompt(PROMPT, PLACES, np.arange(len(PROMPT))[np.newaxis], len(PROMPT))
    return Context(prompt, (photo,), (runtime.encode(photo, CancelToken()),))


def reference(
    model: Any, features: NDArray[np.float32], answer: Sequence[int]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """PyTorch's logits [S, vocabulary] and attention [layer, head, S, S] of prompt and answer."""
    import torch

    ids = torch.tensor([[0 if i == IMAGE else i for i in (*PROMPT, *answer)]])
    with torch.inference_mode():
        embeds = model.model.embed_tokens(ids)
        embeds[0, list(PLACES)] = torch.from_numpy(features)
        output = model(inputs_embeds=embeds, output_attentions=True)
    attention = torch.cat(list(output.attentions))
    return output.logits[0].numpy(), attention.numpy()


@pytest.mark.parametrize("kind", KINDS)
def test_logits_and_attention_equal_pytorchs(
    tmp_path: Path, llama: Any, ungrouped: Any, kind: str
) -> None:
    llama = ungrouped if kind == "mha" else llama
    runtime, cancel = open_runtime(folder_of(tmp_path, llama, kind)), CancelToken()
    assert not runtime.info.note
    assert runtime.attention_shape == (LAYERS, HEADS)
    context = context_of(runtime)
    features = context.features[0].embeddings
    cache, written = None, list[int]()
    feed: Sequence[int] = PROMPT
    for _ in range(4):
        result = runtime.decode(feed, context, cache, attention=True, cancel=cancel)
        logits, attention = reference(llama, features, written)
        np.testing.assert_allclose(result.logits, logits[-1], atol=2e-4)
        assert result.attention is not None
        assert result.attention.shape == (LAYERS, HEADS, PATCHES)
        expected = attention[:, :, -1][:, :, list(PLACES)]
        np.testing.assert_allclose(result.attention, expected, atol=1e-5)
        feed, cache = [int(result.logits.argmax())], result.cache
        written += feed


@pytest.mark.parametrize("kind", ["gqa", "gqa-rotary"])
def test_attention_as_a_graphics_card_needs_it_reads_no_more_than_was_written(
    tmp_path: Path, llama: Any, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Computed again from keys whose buffer has room for more."""

    def rebuilt(path: Path, cache: Path | None, *, kernels: bool, **more: Any) -> Any:
        return attending_graph(path, cache, kernels=not kernels, **more)

    monkeypatch.setattr("mmgpt_desktop.engine.checkpoint_onnx.attending_graph", rebuilt)
    runtime, cancel = open_runtime(folder_of(tmp_path, llama, kind)), CancelToken()
    context, past, answer = context_of(runtime), None, (4, 8, 2)
    for feed in (PROMPT, *([token] for token in answer)):
        result = runtime.decode(feed, context, past, attention=True, cancel=cancel)
        past = result.cache
        assert past.in_place is not None
    _, attention = reference(llama, context.features[0].embeddings, answer)
    assert result.attention is not None
    expected = attention[:, :, -1][:, :, list(PLACES)]
    np.testing.assert_allclose(result.attention, expected, atol=1e-5)


@pytest.mark.parametrize("kind", ["gqa-rotary", "spelled"])
def test_pictures_are_read_both_ways_where_the_graph_allows_it(
    tmp_path: Path, llama: Any, kind: str
) -> None:
    import torch

    folder = folder_of(tmp_path, llama, kind)
    (folder / "config.json").write_text(
        json.dumps({"model_type": "paligemma", "num_attention_heads": HEADS})
    )
    runtime, cancel = open_runtime(folder), CancelToken()
    if kind == "spelled":
        assert "in order only" in str(runtime.info.note)
        return
    assert not runtime.info.note
    plain = context_of(runtime)
    blocks = np.full(len(PROMPT), -1)
    blocks[list(PLACES)] = 0
    context = Context(replace(plain.prompt, blocks=blocks), plain.images, plain.features)
    first = runtime.decode(PROMPT, context, None, attention=True, cancel=cancel)
    then = runtime.decode([4], context, first.cache, attention=True, cancel=cancel)
    count = len(PROMPT) + 1
    seen = np.tril(np.ones((count, count), bool))
    seen[PLACES[0] : PLACES[-1] + 1, PLACES[0] : PLACES[-1] + 1] = True
    mask = torch.where(torch.from_numpy(seen), 0.0, -1e9)[None, None]
    ids = torch.tensor([[0 if i == IMAGE else i for i in (*PROMPT, 4)]])
    with torch.inference_mode():
        embeds = llama.model.embed_tokens(ids)
        embeds[0, list(PLACES)] = torch.from_numpy(context.features[0].embeddings)
        output = llama(inputs_embeds=embeds, attention_mask=mask, output_attentions=True)
    np.testing.assert_allclose(first.logits, output.logits[0, -2], atol=2e-4)
    np.testing.assert_allclose(then.logits, output.logits[0, -1], atol=2e-4)
    expected = torch.cat(list(output.attentions))[:, :, -1][:, :, list(PLACES)]
    assert then.attention is not None
    np.testing.assert_allclose(then.attention, expected, atol=1e-5)


@pytest.mark.parametrize(("kind", "in_place"), [("gqa", True), ("spelled", False)])
def test_a_step_copies_no_cache_where_the_operator_allows_it(
    tmp_path: Path, llama: Any, kind: str, in_place: bool
) -> None:
    runtime, cancel = open_runtime(folder_of(tmp_path, llama, kind)), CancelToken()
    context = context_of(runtime)
    first = runtime.decode(PROMPT, context, None, attention=True, cancel=cancel)
    then = runtime.decode([3], context, first.cache, attention=True, cancel=cancel)
    assert (then.cache.in_place is not None) == in_place
    assert then.cache.in_place is first.cache.in_place


@pytest.mark.parametrize("kind", ["gqa-rotary", "spelled"])
@pytest.mark.parametrize("room", [0, 2, 256])
def test_answers_branch_and_outgrow_their_room(
    tmp_path: Path, llama: Any, kind: str, room: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mmgpt_desktop.engine.graphs.decoder_session.ROOM", room)
    runtime, cancel = open_runtime(folder_of(tmp_path, llama, kind)), CancelToken()
    context = context_of(runtime)
    begun = runtime.decode(PROMPT, context, None, attention=True, cancel=cancel).cache
    for answer in ([4, 8, 2], [9, 1], [4, 8, 30, 31]):  # each after the prompt alone
        past = begun
        for token in answer:
            result = runtime.decode([token], context, past, attention=True, cancel=cancel)
            past = result.cache
        logits, attention = reference(llama, context.features[0].embeddings, answer)
        np.testing.assert_allclose(result.logits, logits[-1], atol=2e-4)
        assert result.attention is not None
        expected = attention[:, :, -1][:, :, list(PLACES)]
        np.testing.assert_allclose(result.attention, expected, atol=1e-5)


def test_a_run_that_was_cancelled_spoils_no_cache(tmp_path: Path, llama: Any) -> None:
    runtime, cancel = open_runtime(folder_of(tmp_path, llama, "gqa")), CancelToken()
    context = context_of(runtime)
    begun = runtime.decode(PROMPT, context, None, attention=True, cancel=cancel).cache
    ended = CancelToken()
    ended.cancel()
    with pytest.raises(Cancelled):
        runtime.decode([8], context, begun, attention=True, cancel=ended)
    result = runtime.decode([4], context, begun, attention=True, cancel=cancel)
    logits, _ = reference(llama, context.features[0].embeddings, [4])
    np.testing.assert_allclose(result.logits, logits[-1], atol=2e-4)


def test_the_decoding_loop_writes_what_pytorch_writes(tmp_path: Path, llama: Any) -> None:
    runtime = open_runtime(folder_of(tmp_path, llama, "gqa-rotary", external=True))
    context = context_of(runtime)
    answer = Answer(PROMPT, Sampling(max_new_tokens=6))
    tokens = decode(
        runtime,
        context,
        answer,
        stop_ids=(),
        context_length=100,
        attention=False,
        cancel=CancelToken(),
    )
    assert [token.attention for token in tokens] == [None] * 6
    expected = list[int]()
    for _ in range(6):
        logits, _ = reference(llama, context.features[0].embeddings, expected)
        expected.append(int(logits[-1].argmax()))
    assert answer.tokens == expected
    scores = runtime.score([*PROMPT, *expected], context, CancelToken())
    logits, _ = reference(llama, context.features[0].embeddings, expected)
    np.testing.assert_allclose(scores, logits[len(PROMPT) - 1 :], atol=2e-4)


def test_float16(tmp_path: Path, llama: Any) -> None:
    folder = folder_of(tmp_path, llama, "gqa-rotary", dtype=np.float16)
    runtime = open_runtime(folder)
    context = context_of(runtime)
    result = runtime.decode(PROMPT, context, None, attention=True, cancel=CancelToken())
    logits, attention = reference(llama, context.features[0].embeddings, ())
    np.testing.assert_allclose(result.logits, logits[-1], atol=0.1)
    assert result.attention is not None
    expected = attention[:, :, -1][:, :, list(PLACES)]
    np.testing.assert_allclose(result.attention, expected, atol=0.01)


def test_embeddings_may_be_a_table(tmp_path: Path, llama: Any) -> None:
    folder = folder_of(tmp_path, llama, "gqa")
    runtime = open_runtime(folder)
    expected = runtime.decode(
        PROMPT, context_of(runtime), None, attention=False, cancel=CancelToken()
    )
    runtime.close()
    (folder / "onnx" / "embed_tokens.onnx").unlink()
    table = llama.model.embed_tokens.weight.detach().numpy()
    save_file({"model.embed_tokens.weight": table}, folder / "onnx" / "embed_tokens.safetensors")
    runtime = open_runtime(folder)
    result = runtime.decode(
        PROMPT, context_of(runtime), None, attention=False, cancel=CancelToken()
    )
    assert (result.logits == expected.logits).all()
    runtime.close()
    (folder / "onnx" / "embed_tokens.safetensors").write_bytes(b"12345678")
    with pytest.raises(BundleError, match="embed_tokens"):
        open_runtime(folder)


@pytest.mark.parametrize("external", [False, True])
def test_a_download_opens_in_the_hubs_cache_and_answers(
    tmp_path: Path, llama: Any, external: bool
) -> None:
    """There a snapshot's files are links into `blobs`."""
    source = folder_of(tmp_path, llama, "gqa", external=external)
    files = {
        each.relative_to(source).as_posix(): each.read_bytes()
        for each in source.rglob("*")
        if each.is_file()
    }
    entry = CatalogueEntry(
        REPOSITORY, "Tiny", "tiny", "MIT", 0.001, "For tests.", weights=("onnx/*",)
    )
    with running_hub(files) as server:
        hub = Hub(tmp_path / "hub", server.endpoint)
        folder = fetch(hub, entry, CancelToken(), lambda _progress: None)
    close_session()
    assert (folder / "onnx" / "decoder_model_merged.onnx").resolve().parent.name == "blobs"
    runtime = CheckpointOnnx(read_checkpoint(folder), CPU, cache=tmp_path / "cache")
    context = context_of(runtime)
    result = runtime.decode(PROMPT, context, None, attention=True, cancel=CancelToken())
    logits, _ = reference(llama, context.features[0].embeddings, ())
    np.testing.assert_allclose(result.logits, logits[-1], atol=2e-4)
    assert result.attention is not None


def test_a_cancelled_run_ends(tmp_path: Path, llama: Any) -> None:
    runtime, cancel = open_runtime(folder_of(tmp_path, llama, "gqa")), CancelToken()
    context = context_of(runtime)

    def run_for_ever() -> None:
        threading.Thread(target=cancel.cancel).start()
        while True:
            runtime.decode(PROMPT, context, None, attention=False, cancel=cancel)

    with pytest.raises(Cancelled):
        run_for_ever()


def test_a_photo_of_another_size_is_said(tmp_path: Path, llama: Any) -> None:
    runtime = open_runtime(folder_of(tmp_path, llama, "gqa"))
    fewer = {"pixel_values": PIXELS[:, 1:]}
    photo = ImageInputs(fewer, PATCHES, inputs().grid, inputs().patch_to_cell)
    with pytest.raises(RuntimeFailure, match="gives 5 tokens for a photo, and not 6"):
        runtime.encode(photo, CancelToken())
    with pytest.raises(RuntimeFailure, match="asks for pixel_values"):
        runtime.encode(ImageInputs({}, PATCHES, photo.grid, photo.patch_to_cell), CancelToken())


def put(folder: Path, *names: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_bytes(b"x")


def test_which_files_are_taken(tmp_path: Path) -> None:
    assert not is_graphs(tmp_path)
    names = ["vision_encoder_q4.onnx", "embed_tokens_fp16.onnx", "embed_tokens.onnx_data"]
    put(tmp_path / "onnx", *names, "decoder_model_merged_q4.onnx", "readme.onnx")
    assert is_graphs(tmp_path)
    found = find_graphs(tmp_path)
    assert found.vision.name == "vision_encoder_q4.onnx"
    assert found.embeddings.name == "embed_tokens_fp16.onnx"
    assert found.decoder.name == "decoder_model_merged_q4.onnx"
    assert found.bytes == 3
    put(tmp_path / "onnx", "decoder_model_merged.onnx", "decoder_model_merged.onnx_data")
    put(tmp_path / "onnx", "decoder_model_merged_int8.onnx", "embed_tokens.onnx")
    assert find_graphs(tmp_path).decoder.name == "decoder_model_merged.onnx"
    assert find_graphs(tmp_path).bytes == 5
    assert find_graphs(tmp_path, "int8").decoder.name == "decoder_model_merged_int8.onnx"
    assert find_graphs(tmp_path, "int8").vision.name == "vision_encoder_q4.onnx"
    (tmp_path / "onnx" / "vision_encoder_q4.onnx").unlink()
    with pytest.raises(BundleError, match=r"no graph vision_encoder\.onnx"):
        find_graphs(tmp_path)


def test_the_truest_graphs_that_fit_into_the_memory_are_taken(tmp_path: Path) -> None:
    sizes = {"": 900, "_fp16": 500, "_int8": 300, "_q4": 200}
    put(tmp_path, "vision_encoder.onnx", "vision_encoder_q4.onnx", "embed_tokens.onnx")
    for ending, size in sizes.items():
        (tmp_path / f"decoder_model_merged{ending}.onnx").write_bytes(b"x" * size)
    for room, precision in ((902, "fp32"), (901, "fp16"), (302, "int8"), (301, "q4"), (0, "q4")):
        assert fitting_graphs(tmp_path, room).precision == precision
    for ending in ("_fp16", "_int8", "_q4"):
        (tmp_path / f"decoder_model_merged{ending}.onnx").unlink()
    (tmp_path / "vision_encoder.onnx").write_bytes(b"x" * 100)
    few = fitting_graphs(tmp_path, 902)
    assert (few.precision, few.vision.name) == ("fp32", "vision_encoder_q4.onnx")


def test_a_card_gets_half_precision_first(tmp_path: Path) -> None:
    put(tmp_path, "vision_encoder.onnx", "embed_tokens.onnx", "decoder.onnx")
    for precision in ("fp32", "q4f16", "fp16"):
        put(tmp_path, f"decoder_{precision}.onnx")
        assert fitting_graphs(tmp_path, 1000, order=CARD_PRECISIONS).precision == precision
        assert find_graphs(tmp_path).precision == "fp32"
    assert sorted(CARD_PRECISIONS) == sorted(PRECISIONS)


@pytest.mark.parametrize(("more", "precision"), [(10**9, "float32"), (0, "q4")])
def test_it_is_said_which_precision_was_opened(
    tmp_path: Path, llama: Any, more: int, precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = folder_of(tmp_path, llama, "gqa", dtype=np.float16)
    decoder = folder / "onnx" / "decoder_model_merged.onnx"
    decoder.rename(decoder.with_name("decoder_model_merged_q4.onnx"))
    write_community(folder, llama, "gqa")
    free = BESIDE + find_graphs(folder, "q4").bytes + more
    for module in ("memory", "checkpoint_engine"):
        monkeypatch.setattr(f"mmgpt_desktop.engine.{module}.free_memory", lambda: free)
    monkeypatch.setattr("platformdirs.user_cache_path", lambda *_a, **_k: tmp_path / "cache")
    runtime = make_runtime(CPU, read_checkpoint(folder))
    assert runtime.info.precision == precision


@pytest.mark.parametrize(
    ("kept", "told"),
    [("fp32", "float32"), ("int4", "int4"), ("mixed", "int8 + int4"), ("<b>", "float32")],
)
def test_an_export_says_its_precision_itself(tmp_path: Path, kept: str, told: str) -> None:
    for name in ("vision_encoder.onnx", "embed_tokens.onnx", "decoder.onnx"):
        (tmp_path / name).touch()
    manifest = {"kind": PUBLIC, "format": FORMAT, "precision": kept}
    (tmp_path / MANIFEST).write_text(json.dumps(manifest))
    assert precision_label(tmp_path, find_graphs(tmp_path)) == told


def test_optimums_decoder_that_was_not_merged_is_taken(tmp_path: Path) -> None:
    put(tmp_path, "vision_encoder.onnx", "embed_tokens.onnx", "decoder_model.onnx")
    assert not is_graphs(tmp_path)
    put(tmp_path, "decoder_with_past_model_int8.onnx")
    assert find_graphs(tmp_path).decoder.name == "decoder_with_past_model_int8.onnx"


def test_weights_that_are_cut_short_are_said(tmp_path: Path, llama: Any) -> None:
    folder = folder_of(tmp_path, llama, "gqa", external=True)
    data = folder / "onnx" / "decoder_model_merged.onnx_data"
    data.write_bytes(data.read_bytes()[:-8])
    with pytest.raises(BundleError, match=r"decoder_model_merged\.onnx_data is cut short"):
        open_runtime(folder)


def test_a_changed_file_of_an_export_is_said(tmp_path: Path) -> None:
    put(tmp_path, "decoder.onnx.data")
    sums = {"decoder.onnx.data": {"bytes": 1, "sha256": hashlib.sha256(b"x").hexdigest()}}
    manifest = json.dumps({"format": 3, "files": sums})
    (tmp_path / "manifest.json").write_text(manifest)
    fractions = list[float]()
    verify_graphs(tmp_path, fractions.append, CancelToken())
    assert fractions == [1.0]
    (tmp_path / "decoder.onnx.data").write_bytes(b"y")
    with pytest.raises(BundleError, match=r"decoder\.onnx\.data was changed"):
        verify_graphs(tmp_path, fractions.append, CancelToken())
    (tmp_path / "manifest.json").unlink()
    verify_graphs(tmp_path, fractions.append, CancelToken())


@pytest.mark.parametrize(
    ("manifest", "sentence"),
    [
        ("{", r"manifest\.json is not JSON"),
        ('{"format": "4", "kind": "public"}', "format must be a whole number"),
        ('{"format": 4}', "newer version"),
        ('{"format": 3, "files": {"a.onnx": {"bytes": 3}}}', r"a\.onnx is missing"),
        ('{"format": 3, "files": {"../a.onnx": {"bytes": 3}}}', "names files outside its folder"),
    ],
)
def test_a_bad_manifest_is_said(tmp_path: Path, manifest: str, sentence: str) -> None:
    put(tmp_path / "x", "vision_encoder.onnx", "embed_tokens.safetensors", "decoder.onnx")
    put(tmp_path, "a.onnx")
    assert find_graphs(tmp_path / "x").embeddings.suffix == ".safetensors"
    (tmp_path / "x" / "manifest.json").write_text(manifest)
    with pytest.raises(BundleError, match=sentence):
        find_graphs(tmp_path / "x")
