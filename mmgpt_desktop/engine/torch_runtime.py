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
from mmgpt_desktop.messages import HeadNumbers
from mmgpt_desktop.methods import Method

if TYPE_CHECKING:
    from torch import Tensor

    from mmgpt_desktop.engine.torch_device import Place
    from mmgpt_desktop.model.written_answer import WrittenAnswer

Cache = list[tuple["Tensor", "Tensor"]]

_HINT = "Install the app's packages again, or use another runtime."


class TorchRuntime:
    """The model itself, at its `place`. It can be cancelled between runs, not within one.

    In float32 on the graphics card too: what takes time there is to start so small a model's
    operators, however many bits they read, and bfloat16 moves up to a half of a head's attention.
    """

    place: Place

    def __init__(self, bundle: Bundle, model: Any = None, *, card: bool = True) -> None:
        """`model` runs in place of the bundle's own, of which it has the shape. On the processor,
        unless it may use the graphics card. Raises RuntimeFailure."""
        require_torch()
        self._spec, self._fusions = bundle.manifest.decoder, bundle.manifest.fusions
        with torch_failures(LOADING, _HINT):
            import torch

            from mmgpt_desktop.engine.torch_device import settle
            from mmgpt_desktop.model.packing import load_packed

            # OpenMP's threads wait for each other at every step, so one that another program
            # holds up stalls all; half the cores are nearly as fast and don't.
            torch.set_num_threads(max(1, physical_cores() // 2))
            self._torch = torch
            self._model: Any = model or load_packed(bundle.path)
        settle(self._move, self._model.num_parameters(), exact=True, card=card)
        self.info = self.place.info

    def _move(self, place: Place) -> None:
        with torch_failures(LOADING, _HINT):
            self._model.to(place.device)
        self.place = place

    def prepare(self, fusion: str) -> None:
        """All fusions are in the one model."""

    def encode(
        self, pixels: NDArray[np.float32] | None, fusion: str, cancel: CancelToken
    ) -> Encoded:
        cancel.raise_if_cancelled()
        if pixels is None:
            layers, spec = self._fusions[fusion].tensors, self._spec
            nothing = self.place.zeros(layers, 1, spec.heads, 0, spec.head_dim)
            return Encoded(fusion, nothing, nothing)
        with torch_failures(RUNNING, _HINT), self._torch.inference_mode():
            image, mixed = self._model.encode_pixels(self.place.tensor(pixels), fusion)
            keys, values = (self._torch.stack(parts) for parts in zip(*image, strict=True))
            reading = None if mixed.reading is None else self.place.array(mixed.reading[0])
            return Encoded(fusion, keys, values, reading)

    def edges(
        self, pixels: NDArray[np.float32], fusion: str, cancel: CancelToken
    ) -> NDArray[np.float32] | None:
        cancel.raise_if_cancelled()
        with torch_failures(RUNNING, _HINT), self._torch.inference_mode():
            _, mixed = self._model.encode_pixels(self.place.tensor(pixels), fusion)
            return None if mixed.edges is None else self.place.array(mixed.edges[0])

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
        with torch_failures(RUNNING, _HINT):  # a card's come when its work is waited for
            shown = encoded.over_cells(self.place.array(weights[0])) if attention else None
            return DecodeResult(self.place.array(logits[0, -1]), shown, presents)

    def score(
        self, token_ids: Sequence[int], encoded: Encoded, cancel: CancelToken
    ) -> NDArray[np.float32]:
        logits, _, _ = self._decode(token_ids, encoded, None, cancel)
        with torch_failures(RUNNING, _HINT):
            return self.place.array(logits[0])

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

        with torch_failures(RUNNING, _HINT):
            photo = self.place.tensor(pixels)
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
        self.place.give_back()

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
                self.place.ids(prompt),
                pixel_values=self.place.tensor(pixels),
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
            past = self._empty_cache() if cache is None else cache
            stepped: tuple[Tensor, Cache, Tensor] = self._model.decode_step(
                self.place.ids(token_ids), encoded.keys, encoded.values, past, encoded.fusion
            )
            return stepped

    def _empty_cache(self) -> Cache:
        empty = self.place.zeros(1, self._spec.heads, 0, self._spec.head_dim)
        return [(empty, empty)] * self._spec.layers
