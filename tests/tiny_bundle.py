"""A bundle of some kilobytes with the same graphs' inputs and outputs as the real one.

It answers every question with `ANSWER`, whatever the fusion: the next token follows from
the last one alone. Where it looks depends on the picture's colour in each cell, with the
graph also on the cells of like colour; and a little goes to two name cells.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper
from safetensors.numpy import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from mmgpt_desktop.engine.folder.tensor_files import read_header
from mmgpt_desktop.engine.graphs.graph_file import stored_at

ANSWER = "A small dog runs on the wet grass."
LINES = (ANSWER, "What is happening here?", "What colour is it?", "A dog", "Where is the dog?")
SPECIAL = ("<|pad|>", "<|user|>", "<|assistant|>", "<|end|>")
SIZE, ROWS, COLUMNS = 32, 4, 4
CELLS = ROWS * COLUMNS
JOINED_ROWS = 2  # concat's grid
NAMES = 2
LAYERS, LOOKING, HEADS, WIDTH = 3, 2, 2, 4
COPIER = 1
"""The last image tensor and the last attention layer are the copier's."""
FUSIONS = ("graph", "cross_attention", "concat")
CONTEXT = 96
IR_VERSION, OPSET = 10, 20
KINDS = ("keys", "values")
FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64


def make_tiny_bundle(folder: Path) -> Path:
    """Write the bundle into `folder` (made if missing) and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = _tokenizer()
    tokenizer.save(str(folder / "tokenizer.json"))
    vocabulary = tokenizer.get_vocab_size()
    save_file(_weights(tokenizer, vocabulary), folder / "model.safetensors")
    (folder / "config.json").write_text('{"model_type": "mmgpt"}', encoding="utf-8")
    stored = _stored_tensors(folder / "model.safetensors")
    for name in FUSIONS:
        onnx.save(_encoder(stored, name), str(folder / f"image_encoder.{name}.onnx"))
    for name, layers in (("cross_attention", LOOKING + COPIER), ("concat", LAYERS + COPIER)):
        graph = _decoder(stored, vocabulary, layers)
        onnx.save(graph, str(folder / f"decoder.{name}.onnx"))
    write_manifest(folder, manifest(folder, vocabulary))
    return folder


def write_manifest(folder: Path, data: dict[str, Any]) -> None:
    (folder / "manifest.json").write_text(json.dumps(data), encoding="utf-8")


def read_manifest(folder: Path) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    return data


def entry(path: Path) -> dict[str, Any]:
    data = path.read_bytes()
    return {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}


def manifest(folder: Path, vocabulary: int) -> dict[str, Any]:
    names = sorted(path.name for path in folder.iterdir() if path.name != "manifest.json")
    return {
        "format": 2,
        "name": "tiny",
        "family": "mmgpt",
        "version": "0.0.1",
        "description": "Answers always the same.",
        "files": {name: entry(folder / name) for name in names},
        "image": {"size": SIZE, "mean": 127.0, "std": 128.0, "max_aspect": 2.0},
        "decoder": {
            "layers": LAYERS,
            "heads": HEADS,
            "head_dim": WIDTH,
            "context_length": CONTEXT,
            "vocabulary": vocabulary,
        },
        "fusion": "graph",
        "fusions": {name: fusion(name) for name in FUSIONS},
        "special_tokens": {"pad": 0, "user": 1, "assistant": 2, "end": 3},
        "sampling": {"repetition_penalty": 1.0, "max_new_tokens": 32},
        "certainty": {"temperature": 1.0, "doubt": 0.3, "doubt_long": 0.2},
        "beyond": [],
    }


def fusion(name: str) -> dict[str, Any]:
    joined = name == "concat"
    side = JOINED_ROWS if joined else ROWS
    return {
        "image_encoder": f"image_encoder.{name}.onnx",
        "decoder": f"decoder.{'concat' if joined else 'cross_attention'}.onnx",
        "grid": {"rows": side, "columns": side},
        "image_layers": LAYERS if joined else LOOKING,
        "attention": {
            "heads": [[2, 0]] if joined else [[0, 1], [1, 0]],
            "how": "Chosen by hand.",
        },
    }


def _tokenizer() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(LINES * 3, trainer)
    return tokenizer


def _weights(tokenizer: Tokenizer, vocabulary: int) -> dict[str, NDArray[np.float32]]:
    random = np.random.default_rng(0)
    chain = [2, *tokenizer.encode(ANSWER).ids, 3]
    assert len(set(chain)) == len(chain), "a token that occurs twice has two successors"
    successor = random.normal(0, 0.5, (vocabulary, vocabulary)).astype(np.float32)
    successor[chain[:-1], chain[1:]] = 6.0
    return {
        "successor": successor,
        "query": random.normal(0, 1, (vocabulary, HEADS * WIDTH)).astype(np.float32),
        "cells": random.normal(0, 1, (3, (LOOKING + COPIER) * HEADS * WIDTH)).astype(np.float32),
        "joined": random.normal(0, 1, (3, (LAYERS + COPIER) * HEADS * WIDTH)).astype(np.float32),
    }


def _stored_tensors(path: Path) -> dict[str, onnx.TensorProto]:
    """ONNX initializers whose data lies in the safetensors file."""
    return {
        name: stored_at(
            TensorProto(name=name, data_type=FLOAT, dims=each.shape),
            path.name,
            each.begin,
            each.end - each.begin,
        )
        for name, each in read_header(path).tensors.items()
    }


def _shape(name: str, *values: int) -> onnx.TensorProto:
    return helper.make_tensor(name, INT64, [len(values)], values)


def _tensor(name: str, *shape: int | str) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, FLOAT, shape)


def _model(graph: onnx.GraphProto) -> onnx.ModelProto:
    return helper.make_model(
        graph, ir_version=IR_VERSION, opset_imports=[helper.make_opsetid("", OPSET)]
    )


def _encoder(stored: dict[str, onnx.TensorProto], fusion: str) -> onnx.ModelProto:
    """Mean colour of each cell, projected to keys; the values are the same.

    The names are copies of the first cells. In the graph, cells of like colour mix before.
    """
    node = helper.make_node
    rows, layers, weights = ROWS, LOOKING + COPIER, "cells"
    if fusion == "concat":
        rows, layers, weights = JOINED_ROWS, LAYERS + COPIER, "joined"
    cells, side = rows * rows, [SIZE // rows] * 2
    nodes = [
        node("AveragePool", ["pixel_values"], ["pooled"], kernel_shape=side, strides=side),
        node("Reshape", ["pooled", "flat"], ["colours"]),  # [1, 3, cells]
        node("Transpose", ["colours"], ["plain"], perm=[0, 2, 1]),
    ]
    outputs = [_tensor(f"image_{kind}", layers, 1, HEADS, cells + NAMES, WIDTH) for kind in KINDS]
    if fusion == "graph":
        nodes += [
            node("MatMul", ["plain", "colours"], ["alike"]),
            node("Softmax", ["alike"], ["edges"], axis=2),
            node("MatMul", ["edges", "plain"], ["rows"]),
        ]
        outputs.append(_tensor("edges", 1, cells, cells))
    else:
        nodes.append(node("Identity", ["plain"], ["rows"]))
    nodes += [
        node("Slice", ["rows", "zero", "names", "cell_axis"], ["named"]),
        node("Concat", ["rows", "named"], ["all"], axis=1),
        node("MatMul", ["all", weights], ["projected"]),
        node("Reshape", ["projected", "split"], ["heads"]),
        node("Transpose", ["heads"], ["image_keys"], perm=[2, 0, 3, 1, 4]),
        node("Identity", ["image_keys"], ["image_values"]),
    ]
    initializers = [
        stored[weights],
        _shape("flat", 1, 3, cells),
        _shape("zero", 0),
        _shape("names", NAMES),
        _shape("cell_axis", 1),
        _shape("split", 1, cells + NAMES, layers, HEADS, WIDTH),
    ]
    inputs = [_tensor("pixel_values", 1, 3, SIZE, SIZE)]
    return _model(helper.make_graph(nodes, "image_encoder", inputs, outputs, initializers))


def _decoder(
    stored: dict[str, onnx.TensorProto], vocabulary: int, image_layers: int
) -> onnx.ModelProto:
    """Logits by a table; attention is a softmax over the cells and a null cell of score 0."""
    node = helper.make_node
    nodes = [
        node("Gather", ["input_ids", "last"], ["last_id"], axis=1),  # [1]
        node("Gather", ["successor", "input_ids"], ["logits"]),  # [1, S, V]
        node("Gather", ["query", "last_id"], ["flat_query"]),
        node("Reshape", ["flat_query", "query_shape"], ["head_query"]),  # [1, 1, H, W, 1]
        node("MatMul", ["image_keys", "head_query"], ["scores"]),  # [L, 1, H, T, 1]
        node("Concat", ["null", "scores"], ["all_scores"], axis=3),
        node("Softmax", ["all_scores"], ["weights"], axis=3),
        node("Slice", ["weights", "one", "end", "cell_axis"], ["seen"]),
        node("Squeeze", ["seen", "last_axis"], ["by_layer"]),  # [L, 1, H, T]
        node("Transpose", ["by_layer"], ["attention"], perm=[1, 0, 2, 3]),
        node("Gather", ["query", "input_ids"], ["new"]),  # [1, S, H * W]
        node("Reshape", ["new", "cache_shape"], ["new_heads"]),
        node("Transpose", ["new_heads"], ["new_keys"], perm=[0, 2, 1, 3]),
    ]
    initializers = [
        stored["successor"],
        stored["query"],
        helper.make_tensor("last", INT64, [], [-1]),
        _shape("query_shape", 1, 1, HEADS, WIDTH, 1),
        helper.make_tensor(
            "null", FLOAT, [image_layers, 1, HEADS, 1, 1], [0.0] * image_layers * HEADS
        ),
        _shape("one", 1),
        _shape("end", 1 << 30),
        _shape("cell_axis", 3),
        _shape("last_axis", 4),
        _shape("cache_shape", 1, -1, HEADS, WIDTH),
    ]
    inputs = [
        helper.make_tensor_value_info("input_ids", INT64, (1, "S")),
        *(_tensor(f"image_{kind}", image_layers, 1, HEADS, "T", WIDTH) for kind in KINDS),
    ]
    outputs = [_tensor("logits", 1, "S", vocabulary)]
    for layer in range(LAYERS):
        for kind in KINDS:
            past, present = f"past_{kind}.{layer}", f"present_{kind}.{layer}"
            nodes.append(node("Concat", [past, "new_keys"], [present], axis=2))
            inputs.append(_tensor(past, 1, HEADS, "P", WIDTH))
            outputs.append(_tensor(present, 1, HEADS, "P + S", WIDTH))
    outputs.append(_tensor("attention", 1, image_layers, HEADS, "T"))
    return _model(helper.make_graph(nodes, "decoder", inputs, outputs, initializers))
