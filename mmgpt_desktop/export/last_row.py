"""Rebuilds the last position's attention beside a kernel that doesn't give it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

import numpy as np

from mmgpt_desktop.export.decoder_spec import DecoderSpec, Rope
from mmgpt_desktop.export.graph_writer import END, GraphWriter


class Attention(StrEnum):
    """Where a graph's attention output comes from."""

    KERNEL = "kernel"  # the attention operator, whose second softmax output the CPU alone has
    REBUILT = "rebuilt"  # queries and cached keys once more: works on a graphics card, too
    NONE = "none"


class LastRow:
    """Softmax of the last query with all cached keys, for all layers at once.

    `turns` are cosine and sine [T, head_dim / 2] of each rope, `length` int64 [1] is T.
    """

    def __init__(
        self,
        spec: DecoderSpec,
        graph: GraphWriter,
        turns: Mapping[Rope, tuple[str, str]],
        length: str,
    ) -> None:
        self._spec, self._graph, self._turns, self._length = spec, graph, turns, length

    def rebuilt(self, projected: Sequence[str], biases: Mapping[int, str]) -> str:
        """(layers, heads, T) from each layer's queries (1, S, heads * head_dim), of which more
        than the queries may follow; `biases` are by window what the positions may not see."""
        queries = self._queries(projected)
        scores = self._scores(self._turned(queries) if self._turns else queries)
        return self._graph.op("Softmax", self._masked(scores, biases), axis=-1)

    def _queries(self, projected: Sequence[str]) -> str:
        """The last position's, before rotation: (layers, heads, head_dim)."""
        graph, spec = self._graph, self._spec
        every = graph.op("Concat", *projected, axis=0)
        last = graph.op("Gather", every, graph.constant(-1, scalar=True), axis=1)
        width = graph.constant(spec.heads * spec.head_dim)
        only = graph.op("Slice", last, graph.constant(0), width, graph.constant(1))
        shape = graph.constant(spec.layers, spec.heads, spec.head_dim)
        return graph.op("Reshape", only, shape)

    def _turned(self, queries: str) -> str:
        graph = self._graph
        cosine, sine = self._last_turn(0), self._last_turn(1)
        half = graph.constant(self._spec.head_dim // 2)
        first = graph.op("Slice", queries, graph.constant(0), half, graph.constant(2))
        second = graph.op("Slice", queries, half, graph.constant(END), graph.constant(2))
        left = graph.op("Sub", graph.op("Mul", first, cosine), graph.op("Mul", second, sine))
        right = graph.op("Add", graph.op("Mul", second, cosine), graph.op("Mul", first, sine))
        return graph.op("Concat", left, right, axis=2)

    def _last_turn(self, part: int) -> str:
        """Cosine (0) or sine (1) of the last position: (1, half), or (layers, 1, half)."""
        graph, ropes, last = self._graph, list(self._turns), self._graph.constant(-1)
        rows = [graph.op("Gather", self._turns[rope][part], last, axis=0) for rope in ropes]
        if len(rows) == 1:
            return rows[0]
        places = np.array([ropes.index(rope) for rope in self._spec.ropes], np.int64)
        stacked = graph.op("Concat", *rows, axis=0)
        chosen = graph.op("Gather", stacked, graph.tensor("rope_of_layer", places), axis=0)
        return graph.op("Unsqueeze", chosen, graph.constant(1))

    def _scores(self, queries: str) -> str:
        """(layers, heads, T)"""
        graph, spec = self._graph, self._spec
        group = spec.heads // spec.kv_heads
        shape = graph.constant(spec.layers, spec.kv_heads, group, spec.head_dim)
        columns = graph.op("Transpose", graph.op("Reshape", queries, shape), perm=[0, 1, 3, 2])
        each = graph.ops("Split", [columns], [None] * spec.layers, axis=0, num_outputs=spec.layers)
        products = [
            graph.op("MatMul", f"present.{layer}.key", column)  # (1, kv_heads, T, group)
            for layer, column in enumerate(each)
        ]
        scores = graph.op("Concat", *products, axis=0)
        # A cache may have room beyond T.
        scores = graph.op("Slice", scores, graph.constant(0), self._length, graph.constant(2))
        rows = graph.op("Transpose", scores, perm=[0, 1, 3, 2])
        rows = graph.op("Reshape", rows, graph.constant(spec.layers, spec.heads, -1))
        return graph.op("Mul", rows, graph.constant(spec.scale, scalar=True))

    def _masked(self, scores: str, biases: Mapping[int, str]) -> str:
        graph, spec = self._graph, self._spec
        if spec.softcap:
            cap = graph.constant(spec.softcap, scalar=True)
            scores = graph.op("Mul", graph.op("Tanh", graph.op("Div", scores, cap)), cap)
        if spec.blocks:
            return graph.op("Add", scores, self._last_bias(biases))
        if max(spec.windows) > 0:
            return graph.op("Add", scores, self._beyond_windows())
        return scores

    def _last_bias(self, biases: Mapping[int, str]) -> str:
        """(layers, 1, T) of the biases (1, 1, S, T)."""
        graph, kinds = self._graph, list(biases)
        last = graph.constant(-1, scalar=True)
        rows = [graph.op("Gather", biases[kind], last, axis=2) for kind in kinds]
        stacked = graph.op("Concat", *rows, axis=0)  # (kinds, 1, T)
        places = np.array([kinds.index(window) for window in self._spec.windows], np.int64)
        return graph.op("Gather", stacked, graph.tensor("bias_of_layer", places), axis=0)

    def _beyond_windows(self) -> str:
        """(layers, 1, T): minus infinity where a layer looks no more, else 0."""
        graph = self._graph
        windows = np.array([w if w > 0 else END for w in self._spec.windows], np.int64)
        zero, one = graph.constant(0, scalar=True), graph.constant(1, scalar=True)
        length = graph.op("Squeeze", self._length)
        places = graph.op("Range", zero, length, one)
        back = graph.op("Sub", graph.op("Sub", length, one), places)  # 0: the last itself
        limits = graph.tensor("windows", windows[:, None, None])
        far = graph.op("GreaterOrEqual", back, limits)
        never = graph.tensor("never", np.array(-np.inf, np.float32))
        return graph.op("Where", far, never, graph.constant(0.0, scalar=True))
