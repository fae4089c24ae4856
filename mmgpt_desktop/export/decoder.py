"""Builds the ONNX graph of a decoder-only language model from its weights, without torch.

ONNX Runtime's fused operators do the work, and the attention of the last position over all
positions comes out beside the logits.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mmgpt_desktop.export.attention import Attention, LastRow
from mmgpt_desktop.export.graph import CONTRIB, END, FLOAT, INT32, INT64, GraphWriter
from mmgpt_desktop.export.linear import Linears
from mmgpt_desktop.export.spec import SILU, DecoderSpec, Rope
from mmgpt_desktop.export.weights import DecoderWeights

FORBIDDEN = -1e4  # a score that leaves nothing after the softmax, in float16, too


def build_decoder(
    spec: DecoderSpec,
    weights: DecoderWeights,
    path: Path,
    linears: Linears,
    *,
    attention: Attention = Attention.KERNEL,
    cache_only: bool = False,
) -> None:
    """Write a decoder's graph to `path` and its weights to `path` + ".data".

    Inputs: `inputs_embeds` float32 [1, S, width]; `position_ids` int64 [1, S], with M-RoPE
    [3, 1, S]; `attention_mask` int64 [1, P + S], of which only the length counts;
    `logits_from` int64 [], the first of the S positions whose logits are wanted;
    `past_key_values.{i}.key` and `.value` float32 [1, kv_heads, P, head_dim]; with
    `spec.deepstack` also `deepstack_embeds` float32 [n, 1, S, width]; with `spec.blocks` also
    `blocks` int64 [P + S] (`Laid.blocks`: positions of one block see each other both ways, -1
    stands alone). Outputs: `logits` float32 [1, S - logits_from, vocabulary];
    `present.{i}.key` and `.value`; `attention` float32 [layers, heads, P + S], the last
    position's softmax, which sums to 1.
    With `cache_only` there are only the presents, and no `logits_from`.
    Pasts may have room for more than P positions if they are bound as presents, too: then
    each step writes into them and copies nothing.
    """
    data = path.with_name(path.name + ".data")
    with data.open("wb") as file:
        graph = GraphWriter(file, data.name)
        _Decoder(spec, weights, graph, linears, attention, cache_only).build()
        graph.save(path)


class _Decoder:
    """The graph in the making; strings are names of its values."""

    def __init__(
        self,
        spec: DecoderSpec,
        weights: DecoderWeights,
        graph: GraphWriter,
        linears: Linears,
        attention: Attention,
        cache_only: bool,
    ) -> None:
        self._spec, self._weights, self._graph = spec, weights, graph
        self._linears, self._cache_only = linears, cache_only
        self._kind = Attention.NONE if cache_only else attention
        self._given: list[str] = []  # each layer's attention, or what it is rebuilt from

    def build(self) -> None:
        spec, graph = self._spec, self._graph
        stream = graph.input("inputs_embeds", FLOAT, [1, "S", spec.width])
        graph.input("position_ids", INT64, [1, "S"] if spec.axes == 1 else [3, 1, "S"])
        graph.input("attention_mask", INT64, [1, "T"])
        if not self._cache_only:
            wanted = graph.input("logits_from", INT64, [])
            self._wanted = graph.op("Reshape", wanted, graph.constant(1))
        if spec.deepstack:
            graph.input("deepstack_embeds", FLOAT, [spec.deepstack, 1, "S", spec.width])
        if spec.blocks:
            graph.input("blocks", INT64, ["T"])
        self._lay_positions()
        self._biases = {window: self._bias(window) for window in dict.fromkeys(spec.windows)}
        normed = self._norm("layers.0.input_layernorm", stream)
        for layer in range(spec.layers):
            if self._cache_only and layer == spec.layers - 1:
                self._attention(layer, normed)  # its keys and values are the last that count
                return
            normed, stream = self._layer(layer, normed, stream)
        self._give_logits(normed)
        if self._kind is not Attention.NONE:
            self._give_attention()

    def _lay_positions(self) -> None:
        graph = self._graph
        self._length = graph.op("Shape", "attention_mask", start=1, end=2)
        new = graph.op("Shape", "inputs_embeds", start=1, end=2)
        self._past = graph.op("Sub", self._length, new)
        last = graph.op("Sub", self._length, graph.constant(1))
        self._last_place = graph.op("Cast", last, to=INT32)
        self._total = graph.op("Cast", self._length, to=INT32)
        pads = graph.op("Concat", self._past, graph.constant(0, 0, 0), axis=0)
        ropes = dict.fromkeys(self._spec.ropes)
        self._turns = {rope: self._turn(rope, pads, i) for i, rope in enumerate(ropes)}

    def _turn(self, rope: Rope, pads: str, number: int) -> tuple[str, str]:
        """Cosine and sine of the new positions, below rows of zeros for the past ones: the
        kernel looks up the row of a key's place, and past keys are turned already."""
        graph = self._graph
        places = graph.op("Cast", "position_ids", to=FLOAT)
        if rope.axes is None:
            places = graph.op("Reshape", places, graph.constant(-1, 1))  # (S, 1)
        else:
            flat = graph.op("Reshape", places, graph.constant(3, -1))  # (3, S)
            axes = graph.tensor(f"rope.{number}.axes", rope.axes)
            chosen = graph.op("Gather", flat, axes, axis=0)
            places = graph.op("Transpose", chosen, perm=[1, 0])  # (S, head_dim / 2)
        frequencies = graph.tensor(f"rope.{number}.frequencies", rope.frequencies)
        angles = graph.op("Mul", places, frequencies)
        cosine, sine = (graph.op("Pad", graph.op(kind, angles), pads) for kind in ("Cos", "Sin"))
        return cosine, sine

    def _bias(self, window: int) -> str:
        """(1, 1, S, T): what each new position may not see; no name without blocks, where
        the kernel itself knows."""
        if not self._spec.blocks:
            return ""
        graph = self._graph
        zero, one = graph.constant(0, scalar=True), graph.constant(1, scalar=True)
        length, past = graph.op("Squeeze", self._length), graph.op("Squeeze", self._past)
        keys = graph.op("Range", zero, length, one)
        rows = graph.op("Unsqueeze", graph.op("Range", past, length, one), graph.constant(1))
        back = graph.op("Sub", rows, keys)  # (S, T)
        causal = graph.op("GreaterOrEqual", back, zero)
        own = graph.op("Gather", "blocks", rows, axis=0)  # (S, 1)
        together = graph.op("Equal", own, "blocks")
        together = graph.op("And", together, graph.op("GreaterOrEqual", own, zero))
        near = ""
        if window > 0:
            near = graph.op("Less", back, graph.constant(window, scalar=True))
        cut = self._spec.model_type.startswith("gemma3")  # its windows cut blocks, too
        if near and not cut:
            causal = graph.op("And", causal, near)
        allowed = graph.op("Or", causal, together)
        if near and cut:
            allowed = graph.op("And", allowed, near)
        free, forbidden = (graph.constant(value, scalar=True) for value in (0.0, FORBIDDEN))
        bias = graph.op("Where", allowed, free, forbidden)
        return graph.op("Unsqueeze", bias, graph.constant(0, 1))

    def _layer(self, layer: int, normed: str, stream: str) -> tuple[str, str]:
        """Through attention and feed-forward; gives the next norm's output and the stream."""
        spec, graph, name = self._spec, self._graph, f"layers.{layer}"
        last = layer == spec.layers - 1
        mixed = self._attention(layer, normed)
        if last:  # beyond here, only the wanted positions count
            mixed, stream = self._from_wanted(mixed), self._from_wanted(stream)
        mixed = self._linear(f"{name}.self_attn", mixed, ("o_proj",))
        if spec.sandwich:
            mixed = self._norm(f"{name}.post_attention_layernorm", mixed)
        before = "pre_feedforward_layernorm" if spec.sandwich else "post_attention_layernorm"
        normed, stream = self._add_norm(f"{name}.{before}", stream, mixed)
        fed = self._feed_forward(f"{name}.mlp", normed)
        if spec.sandwich:
            fed = self._norm(f"{name}.post_feedforward_layernorm", fed)
        if layer < spec.deepstack:
            place = graph.constant(layer, scalar=True)
            extra = graph.op("Gather", "deepstack_embeds", place, axis=0)
            fed = graph.op("Add", fed, self._from_wanted(extra) if last else extra)
        after = "norm" if last else f"layers.{layer + 1}.input_layernorm"
        return self._add_norm(after, stream, fed)

    def _attention(self, layer: int, normed: str) -> str:
        spec, graph, name = self._spec, self._graph, f"layers.{layer}.self_attn"
        past = [f"past_key_values.{layer}.{kind}" for kind in ("key", "value")]
        present = [f"present.{layer}.{kind}" for kind in ("key", "value")]
        for each in past:
            graph.input(each, FLOAT, [1, spec.kv_heads, "P", spec.head_dim])
        query, key, value = self._projected(name, normed)
        bias = self._biases[spec.windows[layer]]
        inputs = [query, key, value, *past, self._last_place, self._total]
        inputs += [*self._turns[spec.ropes[layer]], "", bias]
        kernel = self._kind is Attention.KERNEL
        given = graph.ops(
            "GroupQueryAttention",
            inputs,
            [None, *present, *([None] if kernel else [])],
            domain=CONTRIB,
            num_heads=spec.heads,
            kv_num_heads=spec.kv_heads,
            do_rotary=1,
            scale=spec.scale,
            softcap=spec.softcap,
            causal=0 if bias else 1,
            local_window_size=-1 if bias else spec.windows[layer],
            qk_output=2 if kernel else 0,  # 2: after the softmax
        )
        for value in present:
            graph.output(value, value, FLOAT, [1, spec.kv_heads, "T", spec.head_dim])
        self._given += given[3:] if kernel else [query]
        return given[0]

    def _projected(self, name: str, normed: str) -> tuple[str, str, str]:
        """Query, key and value side by side in the first, or each by itself with norms."""
        spec, graph = self._spec, self._graph
        packed = self._linear(name, normed, ("q_proj", "k_proj", "v_proj"))
        if not spec.qk_norm:
            return packed, "", ""
        widths = [heads * spec.head_dim for heads in (spec.heads, spec.kv_heads, spec.kv_heads)]
        lengths = graph.constant(*widths)
        query, key, value = graph.ops("Split", [packed, lengths], [None] * 3, axis=2)
        query, key = (
            self._head_norm(f"{name}.{kind}_norm", part, width)
            for kind, part, width in zip("qk", (query, key), widths, strict=False)
        )
        return query, key, value

    def _head_norm(self, name: str, value: str, width: int) -> str:
        graph = self._graph
        rows = graph.op("Reshape", value, graph.constant(1, -1, self._spec.head_dim))
        return graph.op("Reshape", self._norm(name, rows), graph.constant(1, -1, width))

    def _feed_forward(self, name: str, normed: str) -> str:
        graph = self._graph
        gate = self._linear(name, normed, ("gate_proj",))
        up = self._linear(name, normed, ("up_proj",))
        if self._spec.activation == SILU:
            gate = graph.op("QuickGelu", gate, domain=CONTRIB, alpha=1.0)
        else:
            gate = graph.op("Gelu", gate, approximate="tanh")
        return self._linear(name, graph.op("Mul", gate, up), ("down_proj",))

    def _linear(self, module: str, value: str, parts: tuple[str, ...]) -> str:
        """x @ W.T + b for the module's `parts`, side by side."""
        names = [f"{module}.{part}" for part in parts]
        weight = np.concatenate([self._weights[f"{name}.weight"] for name in names])
        bias = None
        if f"{names[0]}.bias" in self._weights:
            bias = np.concatenate([self._weights[f"{name}.bias"] for name in names])
        return self._linears.add(self._graph, f"{module}.{'+'.join(parts)}", value, weight, bias)

    def _norm(self, name: str, value: str) -> str:
        gain, epsilon = self._gain(name), self._spec.epsilon
        return self._graph.op("SimplifiedLayerNormalization", value, gain, epsilon=epsilon)

    def _add_norm(self, name: str, stream: str, value: str) -> tuple[str, str]:
        """The norm of the sum, and the sum."""
        normed, _, _, added = self._graph.ops(
            "SkipSimplifiedLayerNormalization",
            [stream, value, self._gain(name)],
            [None, "", "", None],
            domain=CONTRIB,
            epsilon=self._spec.epsilon,
        )
        return normed, added

    def _gain(self, name: str) -> str:
        gain = self._weights[f"{name}.weight"] + np.float32(self._spec.norm_offset)
        return self._graph.tensor(f"{name}.weight", gain)

    def _from_wanted(self, value: str) -> str:
        graph = self._graph
        return graph.op("Slice", value, self._wanted, graph.constant(END), graph.constant(1))

    def _give_logits(self, normed: str) -> None:
        graph, cap = self._graph, self._spec.logit_softcap
        logits = self._linears.add(graph, "lm_head", normed, self._weights.head(), None)
        if cap:
            limit = graph.constant(cap, scalar=True)
            logits = graph.op("Mul", graph.op("Tanh", graph.op("Div", logits, limit)), limit)
        graph.output(logits, "logits", FLOAT, [1, "L", self._spec.vocabulary])

    def _give_attention(self) -> None:
        spec, graph, rows = self._spec, self._graph, self._given
        if self._kind is Attention.REBUILT:
            row = LastRow(spec, graph, self._turns, self._length).rebuilt(rows, self._biases)
        else:
            last = graph.constant(-1, scalar=True)  # of each by itself, so that none is kept
            row = graph.op("Concat", *(graph.op("Gather", e, last, axis=2) for e in rows), axis=0)
        graph.output(row, "attention", FLOAT, [spec.layers, spec.heads, "T"])
