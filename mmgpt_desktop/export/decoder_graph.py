"""Builds the ONNX graph of a decoder-only language model from its weights, without torch.

ONNX Runtime's fused operators do the work, and the attention of the last position over all
positions comes out beside the logits.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop.engine.graphs.prefix_attention import FORBIDDEN, block_bias
from mmgpt_desktop.export.decoder_spec import SILU, DecoderSpec, Rope
from mmgpt_desktop.export.graph_writer import (
    CONTRIB,
    END,
    FLOAT,
    HALF,
    INT32,
    INT64,
    GraphWriter,
    WeightFile,
)
from mmgpt_desktop.export.linear import Linears
from mmgpt_desktop.export.weights import DecoderWeights

_CROSS = "gated_cross_attn_layers"


def build_decoder(
    spec: DecoderSpec,
    weights: DecoderWeights,
    path: Path,
    linears: Linears,
    *,
    attention: bool = True,
    cache_only: bool = False,
    card: Path | None = None,
) -> None:
    """Write a decoder's graph to `path` and its weights to `path` + ".data".

    Inputs: `inputs_embeds` float32 [1, S, width]; `position_ids` int64 [1, S], with M-RoPE
    [3, 1, S]; `attention_mask` int64 [1, P + S], of which only the length counts;
    `logits_from` int64 [1], the first of the S positions whose logits are wanted;
    `past_key_values.{i}.key` and `.value` float32 [1, kv_heads, P, head_dim]; with
    `spec.deepstack` also `deepstack_embeds` float32 [n, 1, S, width]; with `spec.blocks` also
    `blocks` int64 [P + S] (`Prompt.blocks`: positions of one block see each other both ways, -1
    stands alone); with `spec.cross_before` also `image_keys` and `image_values` float32
    [cross layer, heads, M, head_dim] and `image_mask` float32 [S, M], 1 where a position looks.
    Outputs: `logits` float32 [1, S - logits_from, vocabulary];
    `present.{i}.key` and `.value`; `attention` float32 [layers, heads, P + S], the last
    position's softmax, which sums to 1; or [cross layers, heads, M] of what it looks at.
    ONNX Runtime's attention gives it on the CPU alone: elsewhere `engine.graphs.surgery` has it
    computed again. With `cache_only` there are only the presents, and no `logits_from`.
    Pasts may have room for more than P positions if they are bound as presents, too: then
    each step writes into them and copies nothing.

    `card` beside `path`: also the same decoder for graphics cards, on the same weights. Its cache
    is float16 and so is what flows between its layers, but for Gemma's, which exceeds that type;
    angles, cross-attention, logits and attention are float32. It gives the attention of
    cross-attention layers alone, since no card's kernel gives its own.
    """
    data = path.with_name(path.name + ".data")
    with data.open("wb") as file:
        kept = WeightFile(file, data.name)
        graph = GraphWriter(kept)
        _DecoderBuilder(spec, weights, graph, linears, attention, cache_only).build()
        graph.save(path)
        if card:
            graph = GraphWriter(kept, FLOAT if spec.kind.gemma else HALF)
            shown = attention and bool(spec.cross_before)
            _DecoderBuilder(spec, weights, graph, linears, shown, cache_only, HALF).build()
            graph.save(card)


def embeddings_of(spec: DecoderSpec, weights: DecoderWeights) -> NDArray[np.float32]:
    """What stands for each word in `inputs_embeds`, [vocabulary, width]."""
    table = weights.table()
    if spec.kind.gemma:  # it scales what stands for words, not for photos
        table = table * np.float32(math.sqrt(spec.width))
    return table


class _DecoderBuilder:
    """The graph in the making; strings are names of its values."""

    def __init__(
        self,
        spec: DecoderSpec,
        weights: DecoderWeights,
        graph: GraphWriter,
        linears: Linears,
        attention: bool,
        cache_only: bool,
        kernels: int = FLOAT,
    ) -> None:
        """`kernels`: the type of what the attention's kernel takes and keeps."""
        self._spec, self._weights, self._graph = spec, weights, graph
        self._linears, self._cache_only = linears, cache_only
        self._flow, self._kernels = graph.activations, kernels
        self._shown = attention and not cache_only
        self._given: list[str] = []  # each layer's attention

    def build(self) -> None:
        spec, graph = self._spec, self._graph
        stream = graph.input("inputs_embeds", FLOAT, [1, "S", spec.width])
        graph.input("position_ids", INT64, [1, "S"] if spec.axes == 1 else [3, 1, "S"])
        graph.input("attention_mask", INT64, [1, "T"])
        if not self._cache_only:
            self._wanted = graph.input("logits_from", INT64, [1])
        if spec.deepstack:
            graph.input("deepstack_embeds", FLOAT, [spec.deepstack, 1, "S", spec.width])
        if spec.blocks:
            graph.input("blocks", INT64, ["T"])
        self._lay_positions()
        if spec.kind.magneto:
            stream = self._placed(stream)
        stream = graph.cast(stream, FLOAT, self._flow)
        self._biases = {window: self._bias(window) for window in dict.fromkeys(spec.windows)}
        if spec.cross_before:
            self._lay_photos()
        normed = self._norm(self._entry(0), stream)
        for layer in range(spec.layers):
            if self._looks(layer):
                normed, stream = self._look(layer, normed, stream)
            if self._cache_only and layer == spec.layers - 1:
                self._attention(layer, normed)  # its keys and values are the last that count
                return
            normed, stream = self._layer(layer, normed, stream)
        self._give_logits(normed)
        if self._shown:
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
        cosine, sine = (
            graph.cast(graph.op("Pad", graph.op(kind, angles), pads), FLOAT, self._kernels)
            for kind in ("Cos", "Sin")
        )
        return cosine, sine

    def _placed(self, embeddings: str) -> str:
        """Enlarged, with sines and cosines of their positions added (Vaswani et al. 2017; the
        frequencies as in tensor2tensor)."""
        graph, half = self._graph, self._spec.width // 2
        places = graph.op("Cast", "position_ids", to=FLOAT)
        places = graph.op("Reshape", places, graph.constant(-1, 1))
        steps = np.arange(half, dtype=np.float32) * np.float32(-math.log(10_000) / (half - 1))
        angles = graph.op("Mul", places, graph.tensor("frequencies", np.exp(steps)))
        waves = graph.op("Concat", graph.op("Sin", angles), graph.op("Cos", angles), axis=1)
        scale = graph.constant(float(self._spec.embedding_scale), scalar=True)
        return graph.op("Add", graph.op("Mul", embeddings, scale), waves)

    def _bias(self, window: int) -> str:
        """(1, 1, S, T): what each new position may not see; no name without blocks, where
        the kernel itself knows."""
        if not self._spec.blocks:
            return ""
        graph = self._graph
        length, past = graph.op("Squeeze", self._length), graph.op("Squeeze", self._past)
        cut = self._spec.windows_cut_blocks
        bias = block_bias(graph, length, past, window, windows_cut=cut)
        return graph.cast(bias, FLOAT, self._kernels)

    def _layer(self, layer: int, normed: str, stream: str) -> tuple[str, str]:
        """Through attention and feed-forward; gives the next norm's output and the stream."""
        spec, graph, name = self._spec, self._graph, f"layers.{layer}"
        last = layer == spec.layers - 1
        mixed = self._attention(layer, normed)
        if spec.kind.magneto:
            mixed = self._norm(f"{name}.self_attn.inner_attn_ln", mixed)
        if last:  # beyond here, only the wanted positions count
            mixed, stream = self._from_wanted(mixed), self._from_wanted(stream)
        mixed = self._linear(f"{name}.self_attn", mixed, ("o_proj",))
        if spec.kind.sandwich:
            mixed = self._norm(f"{name}.post_attention_layernorm", mixed)
        before = "pre_feedforward_layernorm" if spec.kind.sandwich else "post_attention_layernorm"
        normed, stream = self._add_norm(f"{name}.{before}", stream, mixed)
        fed = self._feed_forward(f"{name}.mlp", normed)
        if spec.kind.sandwich:
            fed = self._norm(f"{name}.post_feedforward_layernorm", fed)
        if layer < spec.deepstack:
            place = graph.constant(layer, scalar=True)
            extra = graph.op("Gather", "deepstack_embeds", place, axis=0)
            extra = graph.cast(extra, FLOAT, self._flow)
            fed = graph.op("Add", fed, self._from_wanted(extra) if last else extra)
        after = "norm" if last else self._entry(layer + 1)
        return self._add_norm(after, stream, fed)

    def _looks(self, layer: int) -> bool:
        """Is there a cross-attention layer before this one?"""
        return layer in self._spec.cross_before

    def _entry(self, layer: int) -> str:
        """The norm that begins a layer, or the cross-attention layer before it."""
        if self._looks(layer):
            return f"{_CROSS}.{self._spec.cross_before.index(layer)}.input_layernorm"
        return f"layers.{layer}.input_layernorm"

    def _lay_photos(self) -> None:
        spec, graph = self._spec, self._graph
        for name in ("image_keys", "image_values"):
            graph.input(name, FLOAT, [len(spec.cross_before), spec.heads, "M", spec.head_dim])
        graph.input("image_mask", FLOAT, ["S", "M"])
        unseen = graph.op("Sub", "image_mask", graph.constant(1.0, scalar=True))
        self._hidden = graph.op("Mul", unseen, graph.constant(-FORBIDDEN, scalar=True))

    def _look(self, layer: int, normed: str, stream: str) -> tuple[str, str]:
        """As `_layer`, through the cross-attention layer before `layer`."""
        spec, graph = self._spec, self._graph
        number = spec.cross_before.index(layer)
        name, place = f"{_CROSS}.{number}", graph.constant(number, scalar=True)
        query = self._linear(f"{name}.cross_attn", normed, ("q_proj",))
        query = graph.op("Reshape", query, graph.constant(1, -1, spec.heads, spec.head_dim))
        if spec.cross_norms:
            query = self._norm(f"{name}.cross_attn.q_layer_norm", query)
        query = graph.cast(query, self._flow, FLOAT)
        query = graph.op("Transpose", query, perm=[0, 2, 1, 3])
        keys, values = (
            graph.op("Gather", each, place, axis=0) for each in ("image_keys", "image_values")
        )
        scores = graph.op("MatMul", query, graph.op("Transpose", keys, perm=[0, 2, 1]))
        scores = graph.op("Mul", scores, graph.constant(spec.scale, scalar=True))
        weights = graph.op("Softmax", graph.op("Add", scores, self._hidden), axis=-1)
        # A position before any photo looks at none, whatever the softmax says.
        weights = graph.op("Mul", weights, "image_mask")
        self._given.append(weights)
        mixed = graph.op("Transpose", graph.op("MatMul", weights, values), perm=[0, 2, 1, 3])
        mixed = graph.op("Reshape", mixed, graph.constant(1, -1, spec.heads * spec.head_dim))
        mixed = graph.cast(mixed, FLOAT, self._flow)
        mixed = self._linear(f"{name}.cross_attn", mixed, ("o_proj",), f"{name}.alpha_cross_attn")
        if not spec.cross_feeds:
            return self._add_norm(f"layers.{layer}.input_layernorm", stream, mixed)
        normed, stream = self._add_norm(f"{name}.post_attention_layernorm", stream, mixed)
        fed = self._feed_forward(f"{name}.mlp", normed, f"{name}.alpha_dense")
        return self._add_norm(f"layers.{layer}.input_layernorm", stream, fed)

    def _attention(self, layer: int, normed: str) -> str:
        spec, graph, name = self._spec, self._graph, f"layers.{layer}.self_attn"
        past = [f"past_key_values.{layer}.{kind}" for kind in ("key", "value")]
        present = [f"present.{layer}.{kind}" for kind in ("key", "value")]
        for each in past:
            graph.input(each, self._kernels, [1, spec.kv_heads, "P", spec.head_dim])
        query, key, value = (
            part and graph.cast(part, self._flow, self._kernels)
            for part in self._projected(name, normed)
        )
        bias = self._biases[spec.windows[layer]]
        inputs = [query, key, value, *past, self._last_place, self._total]
        inputs += [*(self._turns[spec.ropes[layer]] if spec.ropes else ("", "")), "", bias]
        shown = self._shown and not spec.cross_before
        given = graph.ops(
            "GroupQueryAttention",
            inputs,
            [None, *present, *([None] if shown else [])],
            domain=CONTRIB,
            num_heads=spec.heads,
            kv_num_heads=spec.kv_heads,
            do_rotary=1 if spec.ropes else 0,
            scale=spec.scale,
            softcap=spec.softcap,
            causal=0 if bias else 1,
            local_window_size=-1 if bias else spec.windows[layer],
            qk_output=2 if shown else 0,  # 2: after the softmax
        )
        for value in present:
            graph.output(value, value, self._kernels, [1, spec.kv_heads, "T", spec.head_dim])
        self._given += given[3:]
        return graph.cast(given[0], self._kernels, self._flow)

    def _projected(self, name: str, normed: str) -> tuple[str, str, str]:
        """Query, key and value side by side in the first, or each by itself with norms."""
        spec, graph = self._spec, self._graph
        packed = self._linear(name, normed, ("q_proj", "k_proj", "v_proj"))
        if not spec.kind.qk_norm:
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

    def _feed_forward(self, name: str, normed: str, alpha: str = "") -> str:
        graph = self._graph
        if self._spec.kind.magneto:
            inner = graph.op("Gelu", self._linear(name, normed, ("fc1",)))
            return self._linear(name, self._norm(f"{name}.ffn_layernorm", inner), ("fc2",))
        gate = self._linear(name, normed, ("gate_proj",))
        up = self._linear(name, normed, ("up_proj",))
        if self._spec.activation == SILU:
            gate = graph.op("QuickGelu", gate, domain=CONTRIB, alpha=1.0)
        else:
            gate = graph.op("Gelu", gate, approximate="tanh")
        return self._linear(name, graph.op("Mul", gate, up), ("down_proj",), alpha)

    def _linear(self, module: str, value: str, parts: tuple[str, ...], alpha: str = "") -> str:
        """x @ W.T + b for the module's `parts`, side by side, times tanh of a gate `alpha`."""
        names = [f"{module}.{part}" for part in parts]
        weight = np.concatenate([self._weights[f"{name}.weight"] for name in names])
        if alpha:
            weight = weight * np.tanh(self._weights[alpha]).reshape(-1, 1)
        bias = None
        if f"{names[0]}.bias" in self._weights:
            bias = np.concatenate([self._weights[f"{name}.bias"] for name in names])
        return self._linears.add(self._graph, f"{module}.{'+'.join(parts)}", value, weight, bias)

    def _norm(self, name: str, value: str) -> str:
        kind = "LayerNormalization" if self._spec.kind.magneto else "SimplifiedLayerNormalization"
        return self._graph.op(kind, value, *self._gains(name), epsilon=self._spec.epsilon)

    def _add_norm(self, name: str, stream: str, value: str) -> tuple[str, str]:
        """The norm of the sum, and the sum."""
        kind = "LayerNormalization" if self._spec.kind.magneto else "SimplifiedLayerNormalization"
        normed, _, _, added = self._graph.ops(
            f"Skip{kind}",
            [stream, value, *self._gains(name)],
            [None, "", "", None],
            domain=CONTRIB,
            epsilon=self._spec.epsilon,
        )
        return normed, added

    def _gains(self, name: str) -> list[str]:
        """A norm's weight, and its bias if it has one."""
        gain = self._weights[f"{name}.weight"] + np.float32(self._spec.kind.gemma)
        gains = [self._graph.flowing(f"{name}.weight", gain)]
        if self._spec.kind.magneto:
            gains.append(self._graph.flowing(f"{name}.bias", self._weights[f"{name}.bias"]))
        return gains

    def _from_wanted(self, value: str) -> str:
        graph = self._graph
        return graph.op("Slice", value, self._wanted, graph.constant(END), graph.constant(1))

    def _give_logits(self, normed: str) -> None:
        graph, cap = self._graph, self._spec.logit_softcap
        logits = self._linears.add(graph, "lm_head", normed, self._weights.head(), None)
        logits = graph.cast(logits, self._flow, FLOAT)
        if cap:
            limit = graph.constant(cap, scalar=True)
            logits = graph.op("Mul", graph.op("Tanh", graph.op("Div", logits, limit)), limit)
        graph.output(logits, "logits", FLOAT, [1, "L", self._spec.vocabulary])

    def _give_attention(self) -> None:
        spec, graph = self._spec, self._graph
        last = graph.constant(-1, scalar=True)
        # Of each by itself, so that no whole one is kept.
        rows = [graph.op("Gather", each, last, axis=2) for each in self._given]
        row = graph.op("Concat", *rows, axis=0)
        shape = (len(spec.cross_before), "M") if spec.cross_before else (spec.layers, "T")
        graph.output(row, "attention", FLOAT, [shape[0], spec.heads, shape[1]])
