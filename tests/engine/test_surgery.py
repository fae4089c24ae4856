"""Each operator's weights are checked by what it does with them: weights @ values = its output.

The values are random and no more than their width, so no other weights would do.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from mmgpt_desktop.engine.graphs.attention_nodes import ATTENTION, writes_in_place
from mmgpt_desktop.engine.graphs.surgery import add_attention, attending_graph
from mmgpt_desktop.errors import BundleError, NotAvailable

HEADS, KV, D, LAYERS, PAST, FED = 4, 2, 32, 3, 5, 4
T = PAST + FED
FLOAT, HALF = TensorProto.FLOAT, TensorProto.FLOAT16
Arrays = dict[str, NDArray[Any]]
RANDOM = np.random.default_rng(0)


def array(*shape: int, kind: type = np.float32) -> NDArray[Any]:
    return RANDOM.normal(size=shape).astype(kind)


def rotary(parts: int = D, positions: int = 64) -> tuple[NDArray[Any], NDArray[Any]]:
    angles = np.arange(positions)[:, None] / 10 ** (np.arange(parts // 2)[None] / parts)
    return np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)


class Decoder:
    """Layers of nothing but one operator each; its feeds, and what they give."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.feeds: Arrays = {}
        self.constants: Arrays = {}
        self.outputs: list[tuple[str, int, list[Any]]] = []
        self.opset = 21

    def feed(self, name: str, value: NDArray[Any]) -> str:
        self.feeds[name] = value
        return name

    def constant(self, name: str, value: NDArray[Any]) -> str:
        self.constants[name] = value
        return name

    def node(self, kind: str, inputs: list[str], outputs: list[str], **attributes: Any) -> None:
        self.nodes.append(helper.make_node(kind, inputs, outputs, **attributes))

    def give(self, name: str, shape: list[Any], kind: int = FLOAT) -> None:
        self.outputs.append((name, kind, shape))

    def model(self) -> onnx.ModelProto:
        inputs = [
            helper.make_tensor_value_info(
                name,
                helper.np_dtype_to_tensor_dtype(value.dtype),
                [f"{name}.{axis}" if axis in (1, 2) else n for axis, n in enumerate(value.shape)],
            )
            for name, value in self.feeds.items()
        ]
        outputs = [helper.make_tensor_value_info(*output) for output in self.outputs]
        constants = [numpy_helper.from_array(v, n) for n, v in self.constants.items()]
        graph = helper.make_graph(self.nodes, "decoder", inputs, outputs, constants)
        opsets = [("", self.opset), ("com.microsoft", 1)]
        versions = [helper.make_opsetid(*version) for version in opsets]
        return helper.make_model(graph, opset_imports=versions, ir_version=10)


def run(model: onnx.ModelProto, feeds: Arrays, outputs: list[str] | None = None) -> Arrays:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    names = outputs or [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, feeds), strict=True))


def check(decoder: Decoder, *, sums_to: float | None = 1.0, tolerance: float = 2e-5) -> Arrays:
    """Edit, run, and compare what the weights make of the values with what the operator gave:
    with weights that it gives itself, if it can, and with those computed beside it."""
    given: Arrays = {}
    for kernels in (True, False):
        given = _check(decoder, kernels, sums_to, tolerance)
    return given


def _check(decoder: Decoder, kernels: bool, sums_to: float | None, tolerance: float) -> Arrays:
    model = decoder.model()
    plain = run(model, decoder.feeds)
    add_attention(model, kernels=kernels)
    given = run(model, decoder.feeds)
    weights = given[ATTENTION]
    layers = sum(1 for name in plain if name.endswith(".key"))
    assert weights.dtype == np.float32
    assert weights.shape[:2] == (layers, HEADS)
    for layer in range(layers):
        values = given[f"present.{layer}.value"][0].astype(np.float32)
        values = np.repeat(values, HEADS // len(values), axis=0)
        made = np.einsum("ht,htd->hd", weights[layer], values)
        output = plain[f"out.{layer}"]
        row = output[0, :, -1] if output.ndim == 4 else output[0, -1].reshape(HEADS, -1)
        np.testing.assert_allclose(made, row.astype(np.float32), atol=tolerance)
        # A kernel that gives its weights may go another way, and round otherwise.
        np.testing.assert_allclose(
            given[f"out.{layer}"], output, rtol=0, atol=tolerance if kernels else 0
        )
    if sums_to is not None:
        np.testing.assert_allclose(weights.sum(-1), sums_to, atol=max(1e-5, tolerance / 10))
    return given


def cache(decoder: Decoder, layer: int, heads: int, past: int, kind: type) -> list[str]:
    element = helper.np_dtype_to_tensor_dtype(np.dtype(kind))
    for name in ("key", "value"):
        decoder.feed(f"past.{layer}.{name}", array(1, heads, past, D, kind=kind))
        decoder.give(f"present.{layer}.{name}", [1, heads, "total", D], element)
    return [f"past.{layer}.key", f"past.{layer}.value"]


def presents(layer: int) -> list[str]:
    return [f"out.{layer}", f"present.{layer}.key", f"present.{layer}.value"]


def group_query(
    *, past: int = PAST, fed: int = FED, kind: type = np.float32, packed: bool = False,
    rotates: int = 0, extra: Callable[[Decoder, int], list[str]] = lambda _d, _l: [],
    **attributes: Any,
) -> Decoder:  # fmt: skip
    decoder = Decoder()
    element = helper.np_dtype_to_tensor_dtype(np.dtype(kind))
    decoder.feed("seqlens", np.array([past + fed - 1], np.int32))
    decoder.constant("total", np.array(past + fed, np.int32))
    tables = ["", ""]
    if rotates:
        for name, table in zip(("cos", "sin"), rotary(rotates), strict=True):
            decoder.constant(name, table.astype(kind))
        tables = ["cos", "sin"]
    for layer in range(LAYERS):
        heads = (HEADS, KV, KV)
        if packed:
            qkv = [decoder.feed(f"qkv.{layer}", array(1, fed, sum(heads) * D, kind=kind)), "", ""]
        else:
            qkv = [
                decoder.feed(f"{part}.{layer}", array(1, fed, many * D, kind=kind))
                for part, many in zip("qkv", heads, strict=True)
            ]
        inputs = [*qkv, *cache(decoder, layer, KV, past, kind), "seqlens", "total", *tables]
        decoder.node(
            "GroupQueryAttention",
            [*inputs, *extra(decoder, layer)],
            presents(layer),
            domain="com.microsoft",
            num_heads=HEADS,
            kv_num_heads=KV,
            do_rotary=int(bool(rotates)),
            **attributes,
        )
        decoder.give(f"out.{layer}", [1, fed, HEADS * D], element)
    return decoder


@pytest.mark.parametrize("past", [0, PAST])
@pytest.mark.parametrize("fed", [1, FED])
def test_group_query_attention_with_rotary_embedding_inside(past: int, fed: int) -> None:
    check(group_query(past=past, fed=fed, rotates=D))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"packed": True, "rotates": D},
        {"rotates": D // 2},
        {"rotates": D, "rotary_interleaved": 1},
        {"rotates": D // 2, "rotary_interleaved": 1},
        {"rotates": D, "scale": 0.7, "softcap": 2.0},
        {"rotates": D, "local_window_size": 3},
    ],
)
def test_group_query_attention_of_all_kinds(options: dict[str, Any]) -> None:
    check(group_query(**options))


def test_group_query_attention_in_float16() -> None:
    check(group_query(kind=np.float16, rotates=D), tolerance=3e-3)


def test_group_query_attention_with_position_ids_and_a_bias() -> None:
    positions = np.arange(20, 20 + FED)[None]

    def extra(decoder: Decoder, _layer: int) -> list[str]:
        decoder.feed("positions", positions)
        decoder.feed("bias", array(1, 1, FED, T))
        return ["positions", "bias"]

    check(group_query(rotates=D, extra=extra))


def test_group_query_attention_with_sinks() -> None:
    def extra(decoder: Decoder, layer: int) -> list[str]:
        return ["", "", decoder.constant(f"sink.{layer}", array(HEADS))]

    weights = check(group_query(rotates=D, extra=extra), sums_to=None)[ATTENTION]
    assert (weights.sum(-1) < 1).all()
    weights = check(group_query(smooth_softmax=1), sums_to=None)[ATTENTION]
    assert (weights.sum(-1) < 1).all()


def multi_head(*, biased: bool = False, masked: bool = False, cached: str = "inside") -> Decoder:
    """`cached` inside the operator, or outside: with keys "flat" or with their "heads" first."""
    decoder = Decoder()
    if masked:
        decoder.feed("mask", array(1, 1, FED, T))
    for layer in range(LAYERS):
        bias = decoder.constant(f"bias.{layer}", array(3 * HEADS * D)) if biased else ""
        qkv = [decoder.feed(f"q.{layer}", array(1, FED, HEADS * D))]
        qkv += [whole(decoder, layer, name, cached) for name in ("key", "value")]
        past, outputs = ["", ""], [f"out.{layer}"]
        if cached == "inside":
            past, outputs = cache(decoder, layer, HEADS, PAST, np.float32), presents(layer)
        inputs = [*qkv, bias, "", "mask" if masked else "", *past]
        decoder.node("MultiHeadAttention", inputs, outputs, domain="com.microsoft", num_heads=HEADS)
        decoder.give(f"out.{layer}", [1, FED, HEADS * D])
    return decoder


def whole(decoder: Decoder, layer: int, name: str, cached: str) -> str:
    """The keys or values of the fed positions, or, without a cache inside, of all of them."""
    given, present = f"{name}.{layer}", f"present.{layer}.{name}"
    if cached == "inside":
        return decoder.feed(given, array(1, FED, HEADS * D))
    if cached == "heads":
        decoder.feed(given, array(1, HEADS, T, D))
        decoder.node("Identity", [given], [present])
    else:
        decoder.feed(given, array(1, T, HEADS * D))
        sizes = decoder.constant("sizes", np.array([1, T, HEADS, D]))
        decoder.node("Reshape", [given, sizes], [f"{given}.heads"])
        decoder.node("Transpose", [f"{given}.heads"], [present], perm=[0, 2, 1, 3])
    decoder.give(present, [1, HEADS, "T", D])
    return given


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"biased": True, "masked": True},
        {"cached": "flat"},
        {"cached": "heads", "masked": True},
    ],
)
def test_multi_head_attention(options: dict[str, Any]) -> None:
    check(multi_head(**options))


def standard(*, flat: bool, mask: str = "", **attributes: Any) -> Decoder:
    decoder = Decoder()
    decoder.opset = 23
    if mask:
        shown = np.tril(np.ones((FED, T), bool), PAST)
        shown[-1, 2] = False
        decoder.feed("mask", shown if mask == "bool" else array(1, 1, FED, T))
    for layer in range(LAYERS):
        for name, heads in (("q", HEADS), ("k", KV), ("v", KV)):
            shape = (1, FED, heads * D) if flat else (1, heads, FED, D)
            decoder.feed(f"{name}.{layer}", array(*shape))
        past = cache(decoder, layer, KV, PAST, np.float32)
        inputs = [f"q.{layer}", f"k.{layer}", f"v.{layer}", "mask" if mask else "", *past]
        sizes = {"q_num_heads": HEADS, "kv_num_heads": KV} if flat else {}
        decoder.node("Attention", inputs, presents(layer), **sizes, **attributes)
        shape_out: list[Any] = [1, FED, HEADS * D] if flat else [1, HEADS, FED, D]
        decoder.give(f"out.{layer}", shape_out)
    return decoder


@pytest.mark.parametrize("flat", [True, False])
@pytest.mark.parametrize("mask", ["", "bool", "float"])
def test_the_standards_own_attention(flat: bool, mask: str) -> None:
    check(standard(flat=flat, mask=mask))


def test_the_standards_own_attention_with_a_cap_and_a_scale() -> None:
    check(standard(flat=True, softcap=1.5, scale=0.5))


def test_attention_with_its_projections_inside() -> None:
    decoder = Decoder()
    for layer in range(LAYERS):
        decoder.feed(f"x.{layer}", array(1, FED, 12))
        decoder.constant(f"w.{layer}", array(12, 3 * HEADS * D))
        decoder.constant(f"b.{layer}", array(3 * HEADS * D))
        decoder.feed(f"past.{layer}", array(2, 1, HEADS, PAST, D))
        decoder.node(
            "Attention",
            [f"x.{layer}", f"w.{layer}", f"b.{layer}", "", f"past.{layer}"],
            [f"out.{layer}", f"both.{layer}"],
            domain="com.microsoft",
            num_heads=HEADS,
            unidirectional=1,
        )
        for index, name in enumerate(("key", "value")):
            number = decoder.constant(f"number.{index}", np.array(index))
            decoder.node("Gather", [f"both.{layer}", number], [f"present.{layer}.{name}"], axis=0)
            decoder.give(f"present.{layer}.{name}", [1, HEADS, "T", D])
        decoder.give(f"out.{layer}", [1, FED, HEADS * D])
    check(decoder)


def spelled(decoder: Decoder, layer: int, *, grouped: bool = False) -> None:
    """Queries, keys, softmax and values as products; keys have fewer heads where `grouped`."""
    kv, members = (KV, HEADS // KV) if grouped else (HEADS, 1)
    lead = (1, kv, members) if grouped else (1, kv)
    decoder.feed(f"q.{layer}", array(*lead, FED, D))
    decoder.feed(f"k.{layer}", array(1, kv, T, D))
    decoder.feed(f"v.{layer}", array(1, kv, T, D))
    keys, values = f"k.{layer}", f"v.{layer}"
    for name, given in ((keys, f"present.{layer}.key"), (values, f"present.{layer}.value")):
        decoder.node("Identity", [name], [given])
        decoder.give(given, [1, kv, "T", D])
    if grouped:
        axis = decoder.constant("axis", np.array([2]))
        decoder.node("Unsqueeze", [keys, axis], [f"{keys}.g"])
        decoder.node("Unsqueeze", [values, axis], [f"{values}.g"])
        keys, values = f"{keys}.g", f"{values}.g"
    perm = [*range(len(lead)), len(lead) + 1, len(lead)]
    decoder.node("Transpose", [keys], [f"kt.{layer}"], perm=perm)
    decoder.node("MatMul", [f"q.{layer}", f"kt.{layer}"], [f"qk.{layer}"])
    root = decoder.constant("root", np.array(D**0.5, np.float32))
    decoder.node("Div", [f"qk.{layer}", root], [f"scaled.{layer}"])
    mask = decoder.constant("mask", np.triu(np.full((FED, T), -1e9, np.float32), PAST + 1))
    decoder.node("Add", [f"scaled.{layer}", mask], [f"masked.{layer}"])
    decoder.node("Softmax", [f"masked.{layer}"], [f"weights.{layer}"], axis=-1)
    decoder.node("MatMul", [f"weights.{layer}", values], [f"read.{layer}"])
    sizes = decoder.constant("sizes", np.array([1, HEADS, FED, D]))
    decoder.node("Reshape", [f"read.{layer}", sizes], [f"out.{layer}"])
    decoder.give(f"out.{layer}", [1, HEADS, FED, D])


@pytest.mark.parametrize("opset", [13, 21])
@pytest.mark.parametrize("grouped", [False, True])
def test_attention_that_is_spelled_out(grouped: bool, opset: int) -> None:
    decoder = Decoder()
    decoder.opset = opset
    for layer in range(LAYERS):
        spelled(decoder, layer, grouped=grouped)
    decoder.feed("router", array(3, 8))  # a softmax that is no attention
    decoder.node("Softmax", ["router"], ["routed"], axis=-1)
    decoder.give("routed", [3, 8])
    check(decoder)


def test_layers_of_different_kinds_keep_their_order() -> None:
    decoder = group_query(rotates=D)
    decoder.nodes[1].attribute.append(helper.make_attribute("local_window_size", 2))
    weights = check(decoder)[ATTENTION]
    assert (weights[1, :, :-2] == 0).all()
    assert (weights[[0, 2]] > 0).all()


def test_a_tensor_of_that_name_is_no_obstacle() -> None:
    decoder = Decoder()
    for layer in range(LAYERS):
        spelled(decoder, layer)
    decoder.nodes[-1].output[0] = ATTENTION
    decoder.node("Identity", [ATTENTION], [f"out.{LAYERS - 1}"])
    check(decoder)


def branch(name: str) -> onnx.GraphProto:
    decoder = Decoder()
    for layer in range(LAYERS):
        spelled(decoder, layer)
    graph = decoder.model().graph
    del graph.input[:]
    graph.name = name
    renamed = {out.name: f"{name}.{out.name}" for out in graph.output}
    for node in graph.node:
        for index, made in enumerate(node.output):
            node.output[index] = renamed.get(made, f"{name}.{made}")
        for index, read in enumerate(node.input):
            inner = read[:2] not in {"q.", "k.", "v."} or read.endswith(".g")
            local = inner and read not in {c.name for c in graph.initializer}
            node.input[index] = f"{name}.{read}" if local else read
    for out in graph.output:
        out.name = renamed[out.name]
    return graph


@pytest.mark.parametrize("with_past", [True, False])
def test_graphs_with_and_without_a_past_in_one(with_past: bool) -> None:
    decoder = Decoder()
    for layer in range(LAYERS):
        spelled(decoder, layer)
    branches = {"then_branch": branch("then"), "else_branch": branch("else")}
    decoder.nodes.clear()
    decoder.constants.clear()
    decoder.feed("use_cache_branch", np.array([with_past]))
    decoder.node("If", ["use_cache_branch"], [out[0] for out in decoder.outputs], **branches)
    check(decoder)


def test_what_is_not_understood_is_said() -> None:
    decoder = group_query(sliding_window_cache=1)
    with pytest.raises(NotAvailable, match="sliding_window_cache"):
        add_attention(decoder.model(), kernels=True)
    decoder = Decoder()
    spelled(decoder, 0)
    decoder.give("present.1.key", [1, HEADS, "T", D])
    decoder.node("Identity", ["k.0"], ["present.1.key"])
    with pytest.raises(NotAvailable, match="of 2 layers, 1"):
        add_attention(decoder.model(), kernels=True)
    empty = Decoder()
    empty.feed("x", array(1, 2))
    empty.node("Identity", ["x"], ["y"])
    empty.give("y", [1, 2])
    with pytest.raises(NotAvailable, match="none was recognised"):
        add_attention(empty.model(), kernels=True)


def heavy(path: Path) -> Decoder:
    """A decoder whose queries come from weights that are large enough to stay outside."""
    decoder = group_query(rotates=D)
    for layer in range(LAYERS):
        query = decoder.feeds.pop(f"q.{layer}")
        decoder.feed(f"x.{layer}", query[..., :32])
        decoder.constant(f"w.{layer}", array(32, HEADS * D))
        decoder.nodes.insert(0, helper.make_node("MatMul", [f"x.{layer}", f"w.{layer}"],
                                                 [f"q.{layer}"]))  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(decoder.model().SerializeToString())
    return decoder


def run_bytes(graph: bytes, folder: Path, feeds: Arrays) -> Arrays:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    key = "session.model_external_initializers_file_folder_path"
    options.add_session_config_entry(key, str(folder))
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, feeds), strict=True))


def test_a_files_weights_stay_where_they_are(tmp_path: Path) -> None:
    path, kept = tmp_path / "model" / "decoder.onnx", tmp_path / "cache"
    decoder = heavy(path)
    graph = attending_graph(path, kept, kernels=True)[0].graph
    weights = sum(value.nbytes for name, value in decoder.constants.items() if name[0] == "w")
    assert len(graph) < path.stat().st_size - 0.9 * weights + 20_000
    whole = decoder.model()
    add_attention(whole, kernels=True)
    expected, given = run(whole, decoder.feeds), run_bytes(graph, path.parent, decoder.feeds)
    assert expected.keys() == given.keys()
    assert all((expected[name] == given[name]).all() for name in given)
    (file,) = kept.iterdir()
    assert file.read_bytes() == graph
    file.write_bytes(b"kept")
    assert attending_graph(path, kept, kernels=True)[0].graph == b"kept"
    assert path.read_bytes() == decoder.model().SerializeToString()


def test_a_cache_that_can_not_be_written_is_no_obstacle(tmp_path: Path) -> None:
    path, blocked = tmp_path / "decoder.onnx", tmp_path / "file"
    decoder = heavy(path)
    blocked.write_text("in the way")
    graph = attending_graph(path, blocked / "cache", kernels=True)[0].graph
    assert ATTENTION in run_bytes(graph, path.parent, decoder.feeds)


def test_an_attention_that_is_spelled_out_already_is_left_alone(tmp_path: Path) -> None:
    path, decoder = tmp_path / "decoder.onnx", Decoder()
    for layer in range(LAYERS):
        spelled(decoder, layer)
    model = decoder.model()
    add_attention(model, kernels=True)
    path.write_bytes(model.SerializeToString())
    edited, note = attending_graph(path, tmp_path / "cache", kernels=True)
    assert len(onnx.ModelProto.FromString(edited.graph).graph.node) == len(model.graph.node)
    assert (edited.in_place, str(note)) == (False, "")
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("after", [True, False])
def test_an_operators_attention_is_made_anew_for_the_provider(
    tmp_path: Path, before: bool, after: bool
) -> None:
    path, decoder = tmp_path / "decoder.onnx", group_query(rotates=D)
    model, anew = decoder.model(), decoder.model()
    add_attention(model, kernels=before)
    add_attention(anew, kernels=after)
    path.write_bytes(model.SerializeToString())
    edited, _ = attending_graph(path, None, kernels=after)
    assert edited.in_place
    nodes = onnx.ModelProto.FromString(edited.graph).graph.node
    assert [node.op_type for node in nodes] == [node.op_type for node in anew.graph.node]
    fused = [node for node in nodes if node.op_type == "GroupQueryAttention"]
    assert [len(node.output) for node in fused] == [4 if after else 3] * LAYERS
    expected = run(anew, decoder.feeds)[ATTENTION]
    given = run_bytes(edited.graph, tmp_path, decoder.feeds)[ATTENTION]
    np.testing.assert_allclose(given, expected, atol=1e-6)


def test_buffers_are_shared_only_where_the_operator_alone_uses_them() -> None:
    assert writes_in_place(group_query().model().graph)
    for reads in ("past.0.key", "present.1.value"):
        decoder = group_query()
        decoder.node("Shape", [reads], ["length"])
        decoder.give("length", [4], TensorProto.INT64)
        assert not writes_in_place(decoder.model().graph)
    assert not writes_in_place(multi_head().model().graph)


def external(path: Path, location: str) -> None:
    model = onnx.ModelProto.FromString(heavy(path).model().SerializeToString())
    for tensor in model.graph.initializer:
        if tensor.name.startswith("w."):
            tensor.ClearField("raw_data")
            tensor.data_location = TensorProto.EXTERNAL
            tensor.external_data.add(key="location", value=location)
    path.write_bytes(model.SerializeToString())


@pytest.mark.parametrize("location", ["../other.bin", "/etc/passwd", "a/../../b", "C:\\b", "..\\b"])
def test_weights_outside_the_folder_are_refused(tmp_path: Path, location: str) -> None:
    path = tmp_path / "model" / "decoder.onnx"
    external(path, location)
    (tmp_path / "other.bin").write_bytes(b"0" * 100_000)
    with pytest.raises(BundleError, match="outside its folder"):
        attending_graph(path, None, kernels=True)


def test_a_link_that_leaves_the_folder_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model" / "decoder.onnx"
    external(path, "weights.bin")
    with pytest.raises(BundleError, match=r"weights\.bin is missing"):
        attending_graph(path, None, kernels=True)
    (tmp_path / "other.bin").write_bytes(b"0" * 100_000)
    (path.parent / "weights.bin").symlink_to(tmp_path / "other.bin")
    with pytest.raises(BundleError, match="outside its folder"):
        attending_graph(path, None, kernels=True)


def test_links_into_the_hubs_own_cache_are_followed(tmp_path: Path) -> None:
    path = tmp_path / "models--a--b" / "snapshots" / "0" / "onnx" / "decoder.onnx"
    external(path, "weights.bin")
    blobs = tmp_path / "models--a--b" / "blobs"
    blobs.mkdir()
    (blobs / "1").write_bytes(b"0" * 100_000)
    (path.parent / "weights.bin").symlink_to(blobs / "1")
    assert attending_graph(path, None, kernels=True)


@pytest.mark.parametrize("damage", [b"", b"not a graph at all", b"\x3a\xff\xff\xff\xff\x0f"])
def test_a_damaged_file_is_one_sentence(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "decoder.onnx"
    path.write_bytes(damage)
    with pytest.raises(BundleError, match=r"decoder\.onnx is missing or damaged"):
        attending_graph(path, None, kernels=True)
