"""mmgpt-small's graphs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.chat.model_inputs import Context, Features, ImageInputs
from mmgpt_desktop.engine.checkpoint_onnx import CheckpointOnnx
from mmgpt_desktop.engine.families.runtimes.idefics_onnx import IdeficsOnnx
from mmgpt_desktop.engine.graphs.decoder_session import unseen
from mmgpt_desktop.engine.graphs.names import EMBEDS, KEYS, NAMED, SIGHT, VALUES


class FlamingoOnnx(IdeficsOnnx):
    """The image encoder gives the looks' keys and values [look, head, cell + 1, width], the last
    the null cell's, and the ids of the names' words."""

    def encode(self, inputs: ImageInputs, cancel: CancelToken) -> Features:
        keys, values, names = self._vision.run([KEYS, VALUES, NAMED], inputs.arrays, cancel)
        return Features((keys, values, self._embedded(names.reshape(1, -1), cancel)[0]))

    def looks(self, attention: NDArray[Any], context: Context) -> NDArray[Any]:
        """Nothing of it went to names; what went to the null cell is left out."""
        if not context.features:
            return attention[:, :, :0]
        names = len(context.features[0].embeddings[2])
        return np.pad(attention[:, :, :-1], ((0, 0), (0, 0), (names, 0)))

    def _feeds(
        self,
        token_ids: Sequence[int],
        context: Context,
        past: int,
        kept: int,
        cancel: CancelToken,
    ) -> dict[str, Any]:
        words = Context(replace(context.prompt, image_positions=()))
        feeds = CheckpointOnnx._feeds(self, token_ids, words, past, kept, cancel)
        count = len(token_ids)
        if not context.features:
            return {**feeds, **unseen(self.decoder.graph, count)}
        keys, values, names = context.features[0].embeddings
        here = np.array(context.prompt.image_positions[: len(names)]) - past
        seen = (here >= 0) & (here < count)
        feeds[EMBEDS][0, here[seen]] = names[seen]
        sight = np.ones((count, keys.shape[2]), np.float32)
        return {**feeds, KEYS: keys, VALUES: values, SIGHT: sight}
