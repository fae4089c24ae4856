"""mmgpt-small's graphs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.chat.model_inputs import Context, Features, ImageInputs
from mmgpt_desktop.engine.families.flamingo import cell_weights, name_positions
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
        """Photo by photo nothing to the names, and what the cells got."""
        return cell_weights(attention, context)

    def _feeds(
        self,
        token_ids: Sequence[int],
        context: Context,
        past: int,
        kept: int,
        cancel: CancelToken,
    ) -> dict[str, Any]:
        feeds = self.text_feeds(token_ids, context, past, kept, cancel)
        count = len(token_ids)
        if not context.features:
            return {**feeds, **unseen(self.decoder.graph, count)}
        photos = [each.embeddings for each in context.features]
        keys, values = (np.concatenate([each[i] for each in photos], axis=2) for i in (0, 1))
        names = np.concatenate([each[2] for each in photos])
        here = name_positions(context) - past
        seen = (here >= 0) & (here < count)
        feeds[EMBEDS][0, here[seen]] = names[seen]
        sight = np.ones((count, keys.shape[2]), np.float32)
        return {**feeds, KEYS: keys, VALUES: values, SIGHT: sight}
