"""Stage 8: the ONNX graphs of a bundle: an encoder for each fusion, and two decoders.

The graphs hold no weights: their initialisers point into `model.safetensors`, and a Cast
(and a Mul with the row's scale) that ONNX Runtime folds when it loads them gives float32.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import onnx
import torch
from onnx import TensorProto, helper
from torch import Tensor, nn

from mmgpt_desktop.engine.folder.tensor_files import StoredTensor, read_header
from mmgpt_desktop.engine.graphs.graph_file import forget_traces, stored_at
from mmgpt_desktop.model.configuration import CONCAT, CROSS_ATTENTION, GRAPH
from mmgpt_desktop.model.decoder import KeyValue, stacked
from mmgpt_desktop.model.modelling import MMGPTForConditionalGeneration
from mmgpt_desktop.model.packing import BLOCK, SCALE, WEIGHTS

OPSET = 20
_ONNX_TYPES = {
    "F32": TensorProto.FLOAT,
    "F16": TensorProto.FLOAT16,
    "I8": TensorProto.INT8,
    "U8": TensorProto.UINT8,
    "I64": TensorProto.INT64,
}


def encoder_graph(fusion: str) -> str:
    return f"image_encoder.{fusion}.onnx"


def decoder_graph(fusion: str) -> str:
    """The graph of cells differs in its encoder alone."""
    return f"decoder.{CONCAT if fusion == CONCAT else CROSS_ATTENTION}.onnx"


class _ImageEncoder(nn.Module):
    """Pixels to image keys and values, and the edges of the graph of cells or what the
    resampler's latents read, if there are any."""

    def __init__(self, model: MMGPTForConditionalGeneration, fusion: str) -> None:
        super().__init__()
        self.model, self.fusion = model, fusion

    def forward(self, pixel_values: Tensor) -> tuple[Tensor, ...]:
        image, mixed = self.model.encode_pixels(pixel_values, self.fusion)
        return (*stacked(image), *(weights for weights in mixed if weights is not None))


class _DecoderStep(nn.Module):
    """The decoder with its KV cache as flat tensors in and out."""

    def __init__(self, model: MMGPTForConditionalGeneration, fusion: str) -> None:
        super().__init__()
        self.model, self.fusion = model, fusion

    def forward(
        self, input_ids: Tensor, image_keys: Tensor, image_values: Tensor, past: list[KeyValue]
    ) -> tuple[Tensor, list[KeyValue], Tensor]:
        return self.model.decode_step(input_ids, image_keys, image_values, past, self.fusion)


def export(model: MMGPTForConditionalGeneration, bundle: Path) -> None:
    """Write all graphs beside the bundle's weights."""
    model.eval()
    for fusion in model.config.fusions:
        write_graph(_export_encoder(model, fusion), bundle / encoder_graph(fusion))
    decoders = {decoder_graph(fusion): fusion for fusion in model.config.fusions}
    for graph, fusion in decoders.items():
        write_graph(_export_decoder(model, fusion), bundle / graph)


def _export_encoder(model: MMGPTForConditionalGeneration, fusion: str) -> onnx.ModelProto:
    side = model.config.grid_size * 16
    mixed = {"edges": fusion == GRAPH, "reading": model.config.resampled(fusion)}
    return traced_graph(
        _ImageEncoder(model, fusion),
        (torch.zeros(1, 3, side, side),),
        ["pixel_values"],
        ["image_keys", "image_values", *(name for name, given in mixed.items() if given)],
        None,
    )


def _export_decoder(model: MMGPTForConditionalGeneration, fusion: str) -> onnx.ModelProto:
    config = model.config
    layers = range(config.num_hidden_layers)
    looking, heads = len(config.image_layers(fusion)) + 1, config.num_attention_heads
    image = torch.randn(looking, 1, heads, config.positions(fusion), config.head_dim)
    # The example has 3 past positions and 5 new ones; one tensor used twice would become one
    # input, so each has its own.
    past_shape = (1, heads, 3, config.head_dim)
    past = [(torch.randn(past_shape), torch.randn(past_shape)) for _ in layers]
    dynamic = torch.export.Dim.DYNAMIC
    cells = {3: dynamic}
    shapes = {
        "input_ids": {1: dynamic},
        "image_keys": cells,
        "image_values": cells,
        "past": [({2: dynamic}, {2: dynamic}) for _ in layers],
    }
    pairs = [(f"keys.{i}", f"values.{i}") for i in layers]
    return traced_graph(
        _DecoderStep(model, fusion),
        (torch.zeros(1, 5, dtype=torch.long), image, image.clone(), past),
        ["input_ids", "image_keys", "image_values", *[f"past_{n}" for p in pairs for n in p]],
        ["logits", *[f"present_{n}" for p in pairs for n in p], "attention"],
        shapes,
    )


def traced_graph(
    module: nn.Module,
    example: tuple[object, ...],
    inputs: Sequence[str],
    outputs: Sequence[str],
    shapes: dict[str, Any] | None,
) -> onnx.ModelProto:
    """What the module does with such an example, its outer dimensions as free as `shapes` says."""
    program = torch.onnx.export(
        module,
        example,
        input_names=list(inputs),
        output_names=list(outputs),
        dynamic_shapes=shapes,
        opset_version=OPSET,
        dynamo=True,
        optimize=False,
        verbose=False,
    )
    assert program is not None
    return program.model_proto


def write_graph(graph: onnx.ModelProto, path: Path) -> None:
    """Write it without the weights that lie beside it, by their names there."""
    _name_types(graph)
    stored = read_header(path.parent / WEIGHTS).tensors
    kept, nodes = [], []
    for initializer in graph.graph.initializer:
        name = initializer.name.removeprefix("model.")
        name = "embedding.weight" if name == "lm_head.weight" else name
        if name not in stored:
            kept.append(initializer)
            continue
        kept += _references(name, stored)
        kept += _NUMBERS.values() if stored[name].dtype == "U8" else ()
        nodes += _restore(name, initializer.name, stored)
    unique = {initializer.name: initializer for initializer in kept}
    del graph.graph.initializer[:]
    graph.graph.initializer.extend(unique.values())
    body = [*nodes, *graph.graph.node]
    del graph.graph.node[:]
    graph.graph.node.extend(body)
    forget_traces(graph)
    _shorten(graph.graph)
    onnx.save(graph, path)
    onnx.checker.check_model(path)


def _shorten(graph: onnx.GraphProto) -> None:
    """Without the names and shapes of what is only on its way: half of a graph's file is these."""
    del graph.value_info[:]
    kept = {each.name for each in (*graph.input, *graph.output, *graph.initializer)}
    short: dict[str, str] = {}
    for node in graph.node:
        node.ClearField("name")
        for values in (node.input, node.output):
            for place, name in enumerate(values):
                if name and name not in kept:
                    values[place] = short.setdefault(name, f"_{len(short):x}")


def _name_types(graph: onnx.ModelProto) -> None:
    """Make a Cast of each CastLike, which ONNX Runtime takes apart only after it has folded what is
    constant: on a graphics card, numbers that never change would go to and fro at each run."""
    inferred = onnx.shape_inference.infer_shapes(graph).graph
    values = [*inferred.value_info, *inferred.input]
    types = {value.name: value.type.tensor_type.elem_type for value in values}
    for node in graph.graph.node:
        if node.op_type == "CastLike" and types.get(node.input[1]):
            like = node.input.pop()
            node.op_type = "Cast"
            node.attribute.append(helper.make_attribute("to", types[like]))


def _references(name: str, stored: Mapping[str, StoredTensor]) -> list[TensorProto]:
    names = [name, name + SCALE] if name + SCALE in stored else [name]
    return [_reference(n, stored[n]) for n in names]


def _reference(name: str, place: StoredTensor) -> TensorProto:
    tensor = TensorProto(name=name, data_type=_ONNX_TYPES[place.dtype], dims=place.shape)
    return stored_at(tensor, WEIGHTS, place.begin, place.end - place.begin)


def _restore(name: str, output: str, stored: Mapping[str, StoredTensor]) -> list[onnx.NodeProto]:
    """Nodes that make the tensor `output`, float32 or int64, of the stored tensor `name`."""
    if stored[name].dtype in {"F32", "I64"}:
        return [] if name == output else [helper.make_node("Identity", [name], [output])]
    if name + SCALE not in stored:
        return [helper.make_node("Cast", [name], [output], to=TensorProto.FLOAT)]
    if stored[name].dtype == "U8":
        return _restore_halved(name, output)
    cast = f"{output}.float"
    return [
        helper.make_node("Cast", [name], [cast], to=TensorProto.FLOAT),
        helper.make_node("Mul", [cast, name + SCALE], [output]),
    ]


def _restore_halved(name: str, output: str) -> list[onnx.NodeProto]:
    """Likewise of what `packing.halve` has made: two values in each byte."""

    def step(kind: str, inputs: Sequence[str], result: str, **options: Any) -> onnx.NodeProto:
        given = [each if each in {name, *_NUMBERS} else f"{output}.{each}" for each in inputs]
        made = f"{output}.{result}" if result else output
        return helper.make_node(kind, given, [made], **options)

    return [
        step("BitwiseAnd", [name, "mask"], "low"),
        step("BitShift", [name, "four"], "high", direction="RIGHT"),
        step("Unsqueeze", ["low", "last"], "low_last"),
        step("Unsqueeze", ["high", "last"], "high_last"),
        step("Concat", ["low_last", "high_last"], "both", axis=2),
        step("Reshape", ["both", "blocks"], "parts"),
        step("Cast", ["parts"], "float", to=TensorProto.FLOAT),
        step("Sub", ["float", "eight"], "steps"),
        helper.make_node("Cast", [name + SCALE], [f"{output}.scale"], to=TensorProto.FLOAT),
        step("Unsqueeze", ["scale", "last"], "scale_last"),
        step("Mul", ["steps", "scale_last"], "scaled"),
        step("Reshape", ["scaled", "whole"], ""),
    ]


_NUMBERS = {
    "mask": helper.make_tensor("mask", TensorProto.UINT8, [1], [15]),
    "four": helper.make_tensor("four", TensorProto.UINT8, [1], [4]),
    "eight": helper.make_tensor("eight", TensorProto.FLOAT, [1], [8]),
    "last": helper.make_tensor("last", TensorProto.INT64, [1], [2]),
    "blocks": helper.make_tensor("blocks", TensorProto.INT64, [3], [0, -1, BLOCK]),
    "whole": helper.make_tensor("whole", TensorProto.INT64, [2], [0, -1]),
}
"""What all matrices of 4 bits are made with: rows stay as many (0), and the rest follows (-1)."""
