"""Runs any transformers checkpoint of a known family with PyTorch.

torch and transformers take seconds to import, so that happens when a runtime is made.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.chat.model_inputs import Context, Features, ImageInputs
from mmgpt_desktop.engine.cores import physical_cores
from mmgpt_desktop.engine.families.registry import family_class
from mmgpt_desktop.engine.folder.checkpoint import Checkpoint
from mmgpt_desktop.engine.folder.model_files import ANOTHER
from mmgpt_desktop.engine.pytorch import LOADING, RUNNING, require_torch, torch_failures
from mmgpt_desktop.engine.runtime import DecodeResult
from mmgpt_desktop.errors import RuntimeFailure
from mmgpt_desktop.text import safe_name

if TYPE_CHECKING:
    from torch import Tensor

    from mmgpt_desktop.engine.torch_device import Place

LAST_ROW = "last_row"  # our name among transformers' ways to compute attention
# By part of the model's config. Of the image encoder no row is asked for, and its scores would
# take gigabytes where a photo has thousands of patches.
_ATTENTION = {"": LAST_ROW, "text_config": LAST_ROW, "vision_config": "sdpa"}
_HINT = "Choose another model, or use another runtime."
ROWS = 256  # whose scores are in memory at once

Past = tuple[Any, int]  # transformers' cache, and how many tokens it holds


class CheckpointTorch:
    """A public model at its `place`. It can be cancelled between the model's layers.

    What differs between models is in the hooks: `features`, `arguments`, `rows`.
    """

    place: Place

    def __init__(self, checkpoint: Checkpoint, *, card: bool = True) -> None:
        """On the processor, unless it may use the graphics card. Raises RuntimeFailure."""
        require_torch()
        self._family = family_class(checkpoint.model_type)
        with torch_failures(LOADING, _HINT):
            import torch

            from mmgpt_desktop.engine.torch_device import settle

        torch.set_num_threads(physical_cores())
        self.torch = torch
        self._cancel = CancelToken()
        settle(partial(self._open, checkpoint), checkpoint.parameters, card=card)
        self.info = self.place.info

    def _open(self, checkpoint: Checkpoint, place: Place) -> None:
        self.place = place
        with torch_failures(LOADING, _HINT):
            self.model = self.load(checkpoint)
        self._watch()

    def load(self, checkpoint: Checkpoint) -> Any:
        """The model in its place's precision, at its place."""
        _register_last_row()
        dtype = self.place.dtype
        model = load_model(checkpoint, dtype=dtype, attn_implementation=_ATTENTION)
        return model.to(self.place.device)

    @property
    def attention_shape(self) -> tuple[int, int]:
        """Layers and heads of `DecodeResult.attention`."""
        config = self.model.config.get_text_config(decoder=True)
        return config.num_hidden_layers, config.num_attention_heads

    def encode(self, inputs: ImageInputs, cancel: CancelToken) -> Features:
        with self._running(cancel):
            return self.features(
                {name: self.place.tensor(each) for name, each in inputs.arrays.items()}
            )

    def decode(
        self,
        token_ids: Sequence[int],
        context: Context,
        cache: Past | None,
        *,
        attention: bool,
        cancel: CancelToken,
    ) -> DecodeResult:
        """Feed `token_ids` after what `cache` holds; nothing given is changed.

        `DecodeResult.attention` is float32 [layer, head, image token] of the last position,
        all photos' tokens in order; what is missing to 1 went to text.
        """
        with self._running(cancel):
            past, fed = _branched(cache) if cache else (self.empty_cache(), 0)
            output = self._forward(
                token_ids, context, past, fed, logits_to_keep=1, output_attentions=attention
            )
            total = fed + len(token_ids)
            weights = self.rows(output, context, total) if attention else None
            logits = self.place.array(output.logits[0, -1])
            return DecodeResult(logits, weights, (output.past_key_values, total))

    def score(
        self, token_ids: Sequence[int], context: Context, cancel: CancelToken
    ) -> NDArray[np.float32]:
        """Logits [n, vocabulary] of what follows each of the last n of `token_ids`, fed after
        nothing: from the prompt's last token on."""
        kept = len(token_ids) - len(context.prompt.token_ids) + 1
        with self._running(cancel):
            output = self._forward(token_ids, context, None, 0, logits_to_keep=kept)
            return self.place.array(output.logits[0])

    def close(self) -> None:
        self.model = None
        self.place.give_back()

    def features(self, inputs: dict[str, Tensor]) -> Features:
        """What the decoder reads of one photo: the image encoder's and projector's work."""
        base = getattr(self.model, "model", self.model)
        found = base.get_image_features(**inputs)
        pooled = getattr(found, "pooler_output", found)
        if isinstance(pooled, list | tuple):
            pooled = self.torch.cat([each.flatten(0, -2) for each in pooled])
        return Features(pooled.flatten(0, -2))

    def arguments(self, token_ids: Sequence[int], context: Context, fed: int) -> dict[str, Any]:
        """What the model is called with, for tokens that stand after `fed` others."""
        given = {
            "inputs_embeds": self.embedded(token_ids, context, fed),
            "position_ids": self.place.tensor(context.prompt.rotary_positions(fed, len(token_ids))),
        }
        if context.prompt.blocks is not None and not fed:
            outside = self._family.outside_blocks or 0
            types = context.prompt.token_types(0, len(token_ids), outside)
            given["token_type_ids"] = self.place.tensor(types)
        return given

    def rows(self, output: Any, context: Context, total: int) -> NDArray[np.float32]:
        """The last of `total` positions' attention, as `DecodeResult.attention`."""
        positions = self.place.tensor(np.array(context.prompt.image_positions, np.int64))
        rows = [_row(layer, positions, total) for layer in output.attentions]
        return self.place.array(self.torch.stack(rows))

    def embedded(self, token_ids: Sequence[int], context: Context, fed: int) -> Tensor:
        """Embeddings [1, S, width]: the photos' where their tokens stand, the table's elsewhere."""
        ids = np.array([token_ids], np.int64)
        image, which = context.prompt.image_tokens(fed, len(token_ids))
        ids[0, image] = 0  # an image token may lie beyond the table
        embeddings: Tensor = self.model.get_input_embeddings()(self.place.tensor(ids))
        if len(image):
            found = self.torch.cat([each.embeddings for each in context.features])
            chosen = found[self.place.tensor(which)]
            embeddings[0, self.place.tensor(image)] = chosen.to(embeddings.dtype)
        return embeddings

    def empty_cache(self) -> Any:
        from transformers import DynamicCache

        return DynamicCache(config=self.model.config.get_text_config(decoder=True))

    def _forward(
        self,
        token_ids: Sequence[int],
        context: Context,
        past: Any | None,
        fed: int,
        **options: Any,
    ) -> Any:
        return self.model(
            **self.arguments(token_ids, context, fed),
            attention_mask=self.place.tensor(np.ones((1, fed + len(token_ids)), np.int64)),
            past_key_values=past,
            use_cache=past is not None,
            return_dict=True,
            **options,
        )

    def _watch(self) -> None:
        """Look at the cancel token before each layer."""
        for module in self.model.modules():
            if isinstance(module, self.torch.nn.ModuleList):
                for layer in module:
                    layer.register_forward_pre_hook(self._look)

    def _look(self, _module: Any, _arguments: Any) -> None:
        self._cancel.raise_if_cancelled()

    @contextmanager
    def _running(self, cancel: CancelToken) -> Iterator[None]:
        cancel.raise_if_cancelled()
        self._cancel = cancel
        with torch_failures(RUNNING, _HINT), self.torch.inference_mode():
            yield


def load_model(checkpoint: Checkpoint, **options: Any) -> Any:
    """The model of a checkpoint. Raises RuntimeFailure where tensors are missing, for which
    transformers takes random numbers; and whatever transformers raises."""
    from transformers.utils import logging

    logging.disable_progress_bar()  # on stderr, among what a command tells
    logging.set_verbosity_error()  # a table of what is missing, too
    kind: Any = resolve_name(family_class(checkpoint.model_type).torch_model)
    loaded = kind.from_pretrained(
        checkpoint.path,
        use_safetensors=True,
        local_files_only=True,
        trust_remote_code=False,
        output_loading_info=True,
        **options,
    )
    model, found = loaded
    if missing := sorted(found["missing_keys"]):  # those tied to others are none
        title = "The model's weights are not whole; missing tensors: {count}, among them {name}."
        values = {"count": len(missing), "name": safe_name(missing[0])}
        raise RuntimeFailure(title, ANOTHER, **values)
    return model.eval()


def _row(weights: Tensor, image_positions: Tensor, total: int) -> Tensor:
    """[head, image token] out of a layer's weights [1, head, row, key].

    A layer with a sliding window has only the last keys: what lies before them has 0.
    """
    row = weights[0, :, -1]
    seen = image_positions - (total - row.shape[-1])
    return row[:, seen.clamp(min=0)] * (seen >= 0)


def _branched(cache: Past) -> Past:
    """A cache that can grow while the given one stays: layers replace their tensors, so a
    shallow copy of each is enough."""
    past = copy.copy(cache[0])
    past.layers = [copy.copy(layer) for layer in past.layers]
    return past, cache[1]


def _register_last_row() -> None:
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.masking_utils import eager_mask

    AttentionInterface.register(LAST_ROW, _last_row)
    AttentionMaskInterface.register(LAST_ROW, eager_mask)


def _last_row(
    module: Any, query: Any, key: Any, value: Any, attention_mask: Any, **options: Any
) -> tuple[Any, Any]:
    """The model's own eager attention, a few rows at a time, which keeps the weights of the last
    row alone: those of all rows of all layers would take gigabytes."""
    import torch

    eager = sys.modules[type(module).__module__].eager_attention_forward
    parts, weights = [], None
    for first in range(0, query.shape[2], ROWS):
        rows = slice(first, first + ROWS)
        mask = None if attention_mask is None else attention_mask[:, :, rows]
        part, weights = eager(module, query[:, :, rows], key, value, mask, **options)
        parts.append(part)
    assert weights is not None
    return torch.cat(parts, dim=1), weights[:, :, -1:].clone()
