"""A tiny language model as the community's ONNX files, in each way to write its attention.

`image_features` come from a linear image encoder; PyTorch's own model is the reference.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

WIDTH, HEADS, HEAD_DIM, LAYERS, VOCABULARY = 32, 4, 16, 2, 40
PATCHES, PATCH = 6, 12
MS = "com.microsoft"
KINDS = ("gqa", "gqa-rotary", "mha", "attention", "spelled", "merged")


def make_llama(kv_heads: int) -> Any:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    settings: dict[str, Any] = {"attn_implementation": "eager"}  # PreTrainedConfig takes it
    config = LlamaConfig(
        hidden_size=WIDTH,
        intermediate_size=48,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        num_key_value_heads=kv_heads,
        head_dim=HEAD_DIM,
        vocab_size=VOCABULARY,
        initializer_range=0.3,
        **settings,
    )
    return LlamaForCausalLM(config).eval()


class Writer:
    """Nodes and constants of one graph."""

    def __init__(self, kind: str, dtype: type) -> None:
        self.kind, self.dtype = kind, dtype
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, NDArray[Any]] = {}

    def op(self, kind: str, *inputs: str, out: str = "", n: int = 1, **attributes: Any) -> str:
        made = [out or f"{kind}.{len(self.nodes)}"]
        if n == 3:
            made += [f"present.{out}.key", f"present.{out}.value"]
            made[0] = f"attended.{out}"
        self.nodes.append(helper.make_node(kind, inputs, made, **attributes))
        return made[0]

    def put(self, name: str, value: Any, dtype: Any = None) -> str:
        self.constants[name] = np.asarray(value, dtype or self.dtype)
        return name

    def ints(self, *values: int) -> str:
        return self.put("ints." + ".".join(map(str, values)), values, np.int64)

    def norm(self, name: str, x: str, weight: Any) -> str:
        scale = self.put(name, weight)
        return self.op("SimplifiedLayerNormalization", x, scale, axis=-1, epsilon=1e-6)

    def linear(self, name: str, x: str, weight: NDArray[Any]) -> str:
        return self.op("MatMul", x, self.put(name, weight.T))


def _rotary(writer: Writer, x: str, heads: int) -> str:
    inputs = (x, POSITIONS, "cos", "sin")
    return writer.op("RotaryEmbedding", *inputs, domain=MS, num_heads=heads)


POSITIONS = "position_ids"


def _heads(writer: Writer, x: str, heads: int) -> str:
    """[1, S, heads * d] to [1, heads, S, d]"""
    apart = writer.op("Reshape", x, writer.ints(0, 0, heads, HEAD_DIM))
    return writer.op("Transpose", apart, perm=[0, 2, 1, 3])


def _spelled(writer: Writer, layer: int, qkv: list[str], kv: int) -> str:
    q, k, v = (_heads(writer, x, n) for x, n in zip(qkv, (HEADS, kv, kv), strict=True))
    wide = []
    for name, x in (("key", k), ("value", v)):
        past = f"past_key_values.{layer}.{name}"
        whole = writer.op("Concat", past, x, out=f"present.{layer}.{name}", axis=2)
        group = writer.op("Unsqueeze", whole, writer.ints(2))
        shape = writer.op("Shape", group)
        group = writer.op("Expand", group, writer.op("Mul", writer.op("Sign", shape),
                          writer.ints(1, 1, HEADS // kv, 1, 1)))  # fmt: skip
        wide.append(writer.op("Reshape", group, writer.ints(0, HEADS, -1, HEAD_DIM)))
    scores = writer.op("MatMul", q, writer.op("Transpose", wide[0], perm=[0, 1, 3, 2]))
    root = writer.put("root", HEAD_DIM**-0.5)
    masked = writer.op("Add", writer.op("Mul", scores, root), "causal")
    weights = writer.op("Softmax", masked, axis=-1)
    read = writer.op("Transpose", writer.op("MatMul", weights, wide[1]), perm=[0, 2, 1, 3])
    return writer.op("Reshape", read, writer.ints(0, 0, -1))


def _attend(writer: Writer, layer: int, qkv: list[str], kv: int) -> str:
    q, k, v = qkv
    past = [f"past_key_values.{layer}.{name}" for name in ("key", "value")]
    lengths = ["seqlens", "total"]
    sizes = {"num_heads": HEADS, "kv_num_heads": kv}
    if writer.kind == "gqa-rotary":
        inputs = (*qkv, *past, *lengths, "cos", "sin")
        fused = {"domain": MS, "do_rotary": 1, **sizes}
        return writer.op("GroupQueryAttention", *inputs, out=str(layer), n=3, **fused)
    q, k = _rotary(writer, q, HEADS), _rotary(writer, k, kv)
    if writer.kind == "gqa":
        inputs = (q, k, v, *past, *lengths)
        return writer.op("GroupQueryAttention", *inputs, out=str(layer), n=3, domain=MS, **sizes)
    if writer.kind == "mha":
        inputs = (q, k, v, "", "", "causal", *past)
        fused = {"domain": MS, "num_heads": HEADS}
        return writer.op("MultiHeadAttention", *inputs, out=str(layer), n=3, **fused)
    if writer.kind == "attention":
        fused = {"q_num_heads": HEADS, "kv_num_heads": kv, "is_causal": 1}
        return writer.op("Attention", q, k, v, "", *past, out=str(layer), n=3, **fused)
    return _spelled(writer, layer, [q, k, v], kv)


def _lengths(writer: Writer) -> None:
    """What operators want to know, from the mask: lengths, and where a row may not look."""
    w = writer
    total = w.op("Slice", w.op("Shape", "attention_mask"), w.ints(1), w.ints(2))
    fed = w.op("Slice", w.op("Shape", "inputs_embeds"), w.ints(1), w.ints(2))
    last = w.op("Sub", w.op("ReduceSum", "attention_mask", w.ints(1), keepdims=0), w.ints(1))
    w.op("Cast", last, out="seqlens", to=TensorProto.INT32)
    nothing = w.put("nothing", np.zeros(0), np.int64)
    many = w.op("Reshape", total, nothing)
    w.op("Cast", many, out="total", to=TensorProto.INT32)
    zero, one = w.put("zero", 0, np.int64), w.put("one", 1, np.int64)
    columns = w.op("Range", zero, many, one)
    past = w.op("Reshape", w.op("Sub", total, fed), nothing)
    rows = w.op("Unsqueeze", w.op("Range", past, many, one), w.ints(1))
    hidden = w.op("Greater", w.op("Unsqueeze", columns, w.ints(0)), rows)
    mask = w.op("Where", hidden, w.put("never", -1e4), w.put("always", 0.0))
    w.op("Unsqueeze", mask, w.ints(0, 1), out="causal")


def decoder_graph(model: Any, kind: str, dtype: type = np.float32) -> onnx.ModelProto:
    """The decoder, with its attention written in one of `KINDS`."""
    weights = {name: value.detach().numpy() for name, value in model.state_dict().items()}
    kv = model.config.num_key_value_heads
    w = Writer("spelled" if kind == "merged" else kind, dtype)
    positions = np.arange(64)[:, None] * 10000.0 ** (-np.arange(0, HEAD_DIM, 2) / HEAD_DIM)
    w.put("cos", np.cos(positions))
    w.put("sin", np.sin(positions))
    _lengths(w)
    x = "inputs_embeds" if dtype == np.float32 else w.op("Cast", "inputs_embeds", to=_type(dtype))
    for layer in range(LAYERS):
        own = {name.removeprefix(f"model.layers.{layer}."): value for name, value in weights.items()
               if name.startswith(f"model.layers.{layer}.")}  # fmt: skip
        normed = w.norm(f"norm1.{layer}", x, own["input_layernorm.weight"])
        qkv = [w.linear(f"{n}.{layer}", normed, own[f"self_attn.{n}_proj.weight"]) for n in "qkv"]
        read = _attend(w, layer, qkv, kv)
        x = w.op("Add", x, w.linear(f"o.{layer}", read, own["self_attn.o_proj.weight"]))
        normed = w.norm(f"norm2.{layer}", x, own["post_attention_layernorm.weight"])
        gate = w.linear(f"gate.{layer}", normed, own["mlp.gate_proj.weight"])
        gate = w.op("Mul", gate, w.op("Sigmoid", gate))
        up = w.linear(f"up.{layer}", normed, own["mlp.up_proj.weight"])
        down = w.linear(f"down.{layer}", w.op("Mul", gate, up), own["mlp.down_proj.weight"])
        x = w.op("Add", x, down)
    last = w.linear("head", w.norm("norm", x, weights["model.norm.weight"]),
                    weights["lm_head.weight"])  # fmt: skip
    w.op("Cast", last, out="logits", to=TensorProto.FLOAT)
    return _model(w, kv, kind)


def _type(dtype: type) -> int:
    return int(helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))


def _model(w: Writer, kv: int, kind: str) -> onnx.ModelProto:
    info = helper.make_tensor_value_info
    cache = _type(w.dtype)
    inputs = [
        info("inputs_embeds", TensorProto.FLOAT, [1, "S", WIDTH]),
        info("attention_mask", TensorProto.INT64, [1, "T"]),
        info(POSITIONS, TensorProto.INT64, [1, "S"]),
    ]
    outputs = [info("logits", TensorProto.FLOAT, [1, "S", VOCABULARY])]
    for layer in range(LAYERS):
        for name in ("key", "value"):
            past = f"past_key_values.{layer}.{name}"
            inputs.append(info(past, cache, [1, kv, "P", HEAD_DIM]))
            outputs.append(info(f"present.{layer}.{name}", cache, [1, kv, "T", HEAD_DIM]))
    constants = [numpy_helper.from_array(value, name) for name, value in w.constants.items()]
    versions = [("", 23 if kind == "attention" else 17), (MS, 1)]
    opsets = [helper.make_opsetid(*version) for version in versions]
    if kind != "merged":
        graph = helper.make_graph(w.nodes, "decoder", inputs, outputs, constants)
        return helper.make_model(graph, opset_imports=opsets, ir_version=10)
    branches = {f"{name}_branch": _branch(w.nodes, outputs, name) for name in ("then", "else")}
    inputs.append(info("use_cache_branch", TensorProto.BOOL, [1]))
    given = [output.name for output in outputs]
    node = helper.make_node("If", ["use_cache_branch"], given, **branches)
    graph = helper.make_graph([node], "merged", inputs, outputs, constants)
    return helper.make_model(graph, opset_imports=opsets, ir_version=10)


def _branch(
    nodes: list[onnx.NodeProto], outputs: list[onnx.ValueInfoProto], name: str
) -> onnx.GraphProto:
    """The same nodes under names of their own; what no node makes comes from outside."""
    made = {output for node in nodes for output in node.output}
    copies = []
    for node in nodes:
        copy = onnx.NodeProto()
        copy.CopyFrom(node)
        for names in (copy.input, copy.output):
            renamed = [f"{name}.{each}" if each in made else each for each in names]
            del names[:]
            names.extend(renamed)
        copies.append(copy)
    ends = [helper.make_empty_tensor_value_info(f"{name}.{output.name}") for output in outputs]
    return helper.make_graph(copies, name, [], ends)


def write(model: onnx.ModelProto, path: Path, *, external: bool = False) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(
        model,
        path,
        save_as_external_data=external,
        location=f"{path.name}_data",
        size_threshold=1024,
    )


def write_community(folder: Path, model: Any, kind: str, **options: Any) -> None:
    """`onnx/` as such repositories have it: image encoder, embeddings, decoder."""
    onnx_folder = folder / "onnx"
    random = np.random.default_rng(1)
    w = Writer(kind, np.float32)
    projection = random.normal(size=(WIDTH, PATCH)).astype(np.float32)
    w.op("Identity", w.linear("projection", "pixel_values", projection), out="image_features")
    info = helper.make_tensor_value_info
    shape: list[str | int | None] = [1, "patches", PATCH]
    inputs = [info("pixel_values", TensorProto.FLOAT, shape)]
    outputs = [info("image_features", TensorProto.FLOAT, [1, "patches", WIDTH])]
    _save(w, inputs, outputs, onnx_folder / "vision_encoder.onnx")
    w = Writer(kind, np.float32)
    table = w.put("table", model.model.embed_tokens.weight.detach().numpy())
    w.op("Gather", table, "input_ids", out="inputs_embeds", axis=0)
    inputs = [info("input_ids", TensorProto.INT64, [1, "S"])]
    outputs = [info("inputs_embeds", TensorProto.FLOAT, [1, "S", WIDTH])]
    _save(w, inputs, outputs, onnx_folder / "embed_tokens.onnx")
    external = options.pop("external", False)
    graph = decoder_graph(model, kind, **options)
    write(graph, onnx_folder / "decoder_model_merged.onnx", external=external)


def _save(
    w: Writer,
    inputs: list[onnx.ValueInfoProto],
    outputs: list[onnx.ValueInfoProto],
    path: Path,
) -> None:
    constants = [numpy_helper.from_array(value, name) for name, value in w.constants.items()]
    graph = helper.make_graph(w.nodes, path.stem, inputs, outputs, constants)
    opsets = [helper.make_opsetid("", 17)]
    write(helper.make_model(graph, opset_imports=opsets, ir_version=10), path)
