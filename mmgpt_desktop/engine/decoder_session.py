"""Runs a decoder graph that we built, with a cache that is written in place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop.engine.onnx_runtime import CPU_PROVIDER, import_onnxruntime

LOGITS, ATTENTION = "logits", "attention"


class DecoderSession:
    """One sequence at a time, on the CPU; one thread at a time.

    Past and present are the same buffers of `capacity` positions, so a step copies no cache.
    For graphs with neither deepstack nor blocks (`export.decoder.build_decoder`).
    """

    def __init__(self, path: Path, *, capacity: int, threads: int) -> None:
        ort = import_onnxruntime()
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        self._session = ort.InferenceSession(path, options, providers=[CPU_PROVIDER])
        self._binding = self._session.io_binding()
        outputs = {output.name for output in self._session.get_outputs()}
        self._wanted = [name for name in (LOGITS, ATTENTION) if name in outputs]
        self._buffers: list[Any] = []  # the binding doesn't keep them
        for name, shape in self._caches():
            heads, width = shape[1], shape[3]
            room = np.zeros((1, heads, capacity, width), np.float32)
            buffer = ort.OrtValue.ortvalue_from_numpy(room)
            self._binding.bind_ortvalue_input(name, buffer)
            present = name.replace("past_key_values", "present")
            self._binding.bind_ortvalue_output(present, buffer)
            self._buffers.append(buffer)
        self.length = 0  # positions in the cache; may be set back

    def feed(
        self, embeddings: NDArray[np.float32], *, logits_from: int | None = None
    ) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
        """Feed [1, S, width] after what was fed.

        Gives logits [S - logits_from, vocabulary] (of the last position, unless said) and
        the last position's attention [layer, head, T], None where the graph has none.
        """
        count = embeddings.shape[1]
        start, self.length = self.length, self.length + count
        first = count - 1 if logits_from is None else logits_from
        feeds = {
            "inputs_embeds": embeddings,
            "position_ids": np.arange(start, self.length)[None],
            "attention_mask": np.ones((1, self.length), np.int64),
            "logits_from": np.array(first, np.int64),
        }
        for name, array in feeds.items():
            self._binding.bind_cpu_input(name, array)
        for name in self._wanted:
            self._binding.bind_output(name)
        self._session.run_with_iobinding(self._binding)
        given = self._binding.get_outputs()[-len(self._wanted) :]
        logits, *attention = (value.numpy() for value in given)
        return logits[0], attention[0] if attention else None

    def _caches(self) -> list[tuple[str, list[Any]]]:
        inputs = self._session.get_inputs()
        return [(each.name, each.shape) for each in inputs if "past_key_values" in each.name]
