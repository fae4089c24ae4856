"""Runs a bundle with PyTorch: slower, but independent of ONNX Runtime.

torch and transformers take seconds to import, so that happens when a runtime is made.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.cores import physical_cores
from mmgpt_desktop.engine.folder.bundle import Bundle
from mmgpt_desktop.engine.pytorch import LOADING, RUNNING, require_torch, torch_failures
from mmgpt_desktop.engine.runtime import DecodeResult, Encoded
from mmgpt_desktop.messages import HeadNumbers, RuntimeInfo, RuntimeName
from mmgpt_desktop.methods import Method

if TYPE_CHECKING:
    from torch import Tensor

    from mmgpt_desktop.model.written_answer import WrittenAnswer

Cache = list[tuple["Tensor", "Tensor"]]

_HINT = "Install the app's packages again, or use another runtime."


class TorchRuntime:
    """The model itself, on the CPU. It can be cancelled between runs, not within one."""

    def __init__(self, bundle: Bundle, model: Any = None) -> None:
        """`model` runs in place of the bundle's own, of which it has the shape. Raises
        RuntimeFailure."""
        require_torch()
        self._spec, self._fusions = bundle.manifest.decoder, bundle.manifest.fusions
        with torch_failures(LOADING, _HINT):
            import torch

            from mmgpt_desktop.model.packing import load_packed

            # OpenMP's threads wait for each other at every step, so one that another program
            # holds up stalls all; half the cores are nearly as fast and don't.
            torch.set_num_threads(max(1, physical_cores() // 2))
            self._torch = torch
            self._model: Any = model or load_packed(bundle.path)
        self.info = RuntimeInfo(RuntimeName.TORCH, "cpu")

    def prepare(self, fusion: str) -> None:
        """All fusions are in the one model."""

    def encode(
        self, pixels: NDArray[np.float32] | None, fusion: str, cancel: CancelToken
    ) -> Encoded:
        cancel.raise_if_cancelled()
        if pixels is None:
            layers, spec = self._fusions[fusion].tensors, self._spec
            nothing = self._torch.zeros(layers, 1, spec.heads, 0, spec.head_dim)
            return Encoded(fusion, nothing, nothing)
        with torch_failures(RUNNING, _HINT), self._torch.inference_mode():
            image, mixed = self._model.encode_pixels(self._torch.from_numpy(pixels), fusion)
            keys, values = (self._torch.stack(parts) for parts in zip(*image, strict=True))
            reading = None if mixed.reading is None else mixed.reading[0].numpy()
            return Encoded(fusion, keys, values, reading)

    def edges(
        self, pixels: NDArray[np.float32], fusion: str, cancel: CancelToken
    ) -> NDArray[np.float32] | None:
        cancel.raise_if_cancelled()
        with torch_failures(RUNNING, _HINT), self._torch.inference_mode():
            _, mixed = self._model.encode_pixels(self._torch.from_numpy(pixels), fusion)
            return None if mixed.edges is None else np.asarray(mixed.edges[0].numpy())

    def decode(
        self,
        token_ids: Sequence[int],
        encoded: Encoded,
        cache: Cache | None,
        *,
        attention: bool,
        cancel: CancelToken,
    ) -> DecodeResult:
        logits, presents, weights = self._decode(token_ids, encoded, cache, cancel)
        shown = encoded.over_cells(weights[0].numpy()) if attention else None
        return DecodeResult(logits[0, -1].numpy(), shown, presents)

    def score(
        self, token_ids: Sequence[int], encoded: Encoded, cancel: CancelToken
    ) -> NDArray[np.float32]:
        return np.asarray(self._decode(token_ids, encoded, None, cancel)[0][0].numpy())

    def written(
        self,
        pixels: NDArray[np.float32],
        prompt_ids: Sequence[int],
        token_ids: Sequence[int],
        fusion: str,
        cancel: CancelToken,
    ) -> WrittenAnswer:
        """An answer, to be read once more by what needs the model itself."""
        from mmgpt_desktop.model.written_answer import WrittenAnswer

        photo = self._torch.from_numpy(pixels)
        return WrittenAnswer(self._model, photo, prompt_ids, token_ids, fusion, cancel)

    def explain(self, method: Method, answer: WrittenAnswer) -> NDArray[np.float32]:
        """A map for each token that was written, [token, rows, columns], by one of the methods
        that need the model itself.

        Raises NotAvailable where the fusion has no such map, RuntimeFailure and Cancelled.
        """
        from mmgpt_desktop.model.attribution import explain

        answer.cancel.raise_if_cancelled()
        with torch_failures(RUNNING, _HINT):
            return explain(method, answer)

    def attention_numbers(
        self, answer: WrittenAnswer, *, token: int, layer: int, head: int
    ) -> HeadNumbers:
        """What a head of an image layer computed for the answer's token number `token`."""
        from mmgpt_desktop.model.attribution import attention_numbers

        answer.cancel.raise_if_cancelled()
        with torch_failures(RUNNING, _HINT):
            return attention_numbers(answer, token=token, layer=layer, head=head)

    def close(self) -> None:
        self._model = None

    def time_generate(
        self,
        pixels: NDArray[np.float32],
        fusion: str,
        prompt: Sequence[int],
        tokens: int,
        *,
        attention: bool,
    ) -> float:
        """Seconds that transformers' own `generate` takes for exactly `tokens` tokens."""
        with self._torch.inference_mode():
            started = time.perf_counter()
            self._model.generate(
                self._torch.tensor([list(prompt)]),
                pixel_values=self._torch.from_numpy(pixels),
                fusion=fusion,
                do_sample=False,
                min_new_tokens=tokens,
                max_new_tokens=tokens,
                output_attentions=attention,
                return_dict_in_generate=attention,
            )
            return time.perf_counter() - started

    def _decode(
        self, token_ids: Sequence[int], encoded: Encoded, cache: Cache | None, cancel: CancelToken
    ) -> tuple[Tensor, Cache, Tensor]:
        """The model's `decode_step`."""
        cancel.raise_if_cancelled()
        with torch_failures(RUNNING, _HINT), self._torch.inference_mode():
            ids = self._torch.tensor([list(token_ids)])
            past = self._empty_cache() if cache is None else cache
            stepped: tuple[Tensor, Cache, Tensor] = self._model.decode_step(
                ids, encoded.keys, encoded.values, past, encoded.fusion
            )
            return stepped

    def _empty_cache(self) -> Cache:
        empty = self._torch.zeros(1, self._spec.heads, 0, self._spec.head_dim)
        return [(empty, empty)] * self._spec.layers
