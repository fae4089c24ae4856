"""Kosmos-2: grounded answers, whose phrases come with boxes on the photo.

Its latent queries read the image encoder's patches and stand for the photo in the prompt
(Peng et al. 2023, "Kosmos-2: Grounding Multimodal Large Language Models to the World").
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop.engine.chat.crops import clip_view, whole
from mmgpt_desktop.engine.chat.family import Family, Turn
from mmgpt_desktop.engine.chat.image_values import BICUBIC, CLIP, whole_number
from mmgpt_desktop.engine.chat.model_inputs import ImageInputs
from mmgpt_desktop.engine.families import RUNTIMES
from mmgpt_desktop.engine.folder.checkpoint import Checkpoint
from mmgpt_desktop.messages import Box, Grounding, PatchGrid, Photo

_PATCH_INDEX = re.compile(r"<patch_index_(\d+)>")
_OFFSET = 2  # its positions begin behind the padding's


class Kosmos2(Family):
    """Asked without a question mark, it goes on with the text as it stands ("An image of")."""

    model_types = ("kosmos-2",)
    placeholder = "<image>"
    default_template = ""  # it has none: `template`
    image_settings: ClassVar[Mapping[str, Any]] = {
        **CLIP,
        "resample": BICUBIC,
        "size": {"shortest_edge": 224},
        "do_center_crop": True,
        "crop_size": {"height": 224, "width": 224},
    }
    torch_runtime = f"{RUNTIMES}.kosmos2_torch:Kosmos2Torch"
    encoder = f"{RUNTIMES}.kosmos2_torch:Kosmos2Encoder"

    def __init__(self, checkpoint: Checkpoint) -> None:
        super().__init__(checkpoint)
        self._patch = whole_number(self.vision, "patch_size", 14)
        self._latents = whole_number(checkpoint.config, "latent_query_num", 64)
        self._tags = frozenset(self.tokenizer.get_added_tokens_decoder())
        self._first = (self.tokenizer.token_to_id("<unk>") or 0) + 1
        named = {token: _PATCH_INDEX.fullmatch(token) for token in self.tokenizer.get_vocab()}
        found = {token: int(match[1]) for token, match in named.items() if match}
        self._corners = {self.tokenizer.token_to_id(token): index for token, index in found.items()}
        self._side = math.isqrt(len(found))

    def preprocess(self, photo: Photo, *, tiled: bool = False) -> ImageInputs:
        pixels, box = clip_view(photo.pixels, whole(photo), self.settings)
        # Patch 0 is the whole picture's token.
        return self.one_view(photo, pixels, box, self._patch, before=1, tokens=self._latents)

    def read_image_settings(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Older files write a side alone, and `use_square_size` for one that is not cropped."""
        settings = super().read_image_settings(given)
        if isinstance(size := settings["size"], int):
            settings["size"] = {"shortest_edge": size}
        if isinstance(crop := settings["crop_size"], int):
            settings["crop_size"] = {"height": crop, "width": crop}
        if settings.get("use_square_size"):
            settings["size"] = {"height": 224, "width": 224}
        return settings

    def expansion(self, inputs: ImageInputs) -> str:
        return "<image></image>"

    def template(self, messages: Sequence[Mapping[str, Any]]) -> str:
        """As the authors prompt: the picture, `<grounding>`, then what is to be gone on with."""
        turns = [_said(message) for message in messages]
        pictures, first = turns[0]
        later = (f"{before} {text}".strip() for before, text in turns[1:])
        return f"<s>{pictures} <grounding> {' '.join([first, *later])}"

    def encode(
        self, turns: Sequence[Turn], question: str, images: Sequence[ImageInputs]
    ) -> list[int]:
        """Behind each `<image>` stand the ids that the models' own processor writes: the
        first ones of the vocabulary, one for each latent."""
        run = range(self._first, self._first + self._latents)
        found = list[int]()
        for token_id in super().encode(turns, question, images):
            found += [token_id, *run] if token_id == self.image_token_id else [token_id]
        return found

    def find_image_tokens(self, token_ids: NDArray[np.int64]) -> NDArray[np.int64]:
        begun = np.flatnonzero(token_ids == self.image_token_id)
        return (begun[:, np.newaxis] + 1 + np.arange(self._latents)).ravel()

    def rotary(
        self, token_ids: NDArray[np.int64], images: Sequence[ImageInputs]
    ) -> tuple[NDArray[np.int64], int]:
        positions, following = super().rotary(token_ids, images)
        return positions + _OFFSET, following + _OFFSET

    def markers(self) -> set[str]:
        """Its tags are no special tokens, but a user can't write them either."""
        return {token.content for token in self.tokenizer.get_added_tokens_decoder().values()}

    def token_bytes(self, token_id: int) -> bytes:
        return b"" if token_id in self._tags else super().token_bytes(token_id)

    def groundings(
        self, token_ids: Sequence[int], images: Sequence[ImageInputs]
    ) -> tuple[Grounding, ...]:
        """The phrases of an answer and their boxes on the last photo, in order.

        `<phrase>`, words, `</phrase>`, `<object>`, two patch indices for each box, `</object>`.
        """
        if not images:
            return ()
        return tuple(self._groundings(token_ids, images[-1].grid))

    def _groundings(self, token_ids: Sequence[int], grid: PatchGrid) -> Iterator[Grounding]:
        tags = {self.tokenizer.token_to_id(tag): tag for tag in _TAGS}
        start = stop = 0
        corners = list[int]()
        for step, token_id in enumerate(token_ids):
            tag = tags.get(token_id)
            if tag == "<phrase>":
                start = stop = step + 1
            elif tag == "</phrase>":
                stop = step
            elif tag == "<object>":
                start, stop = (start, stop) if stop > start else (step, step)
                corners = []
            elif token_id in self._corners:
                corners.append(self._corners[token_id])
            elif tag == "</object>":
                pairs = zip(corners[::2], corners[1::2], strict=False)
                boxes = tuple(_on_photo(box_between(*pair, self._side), grid) for pair in pairs)
                if boxes:
                    yield Grounding(start, stop, boxes)
                start = stop = step + 1


_TAGS = ("<phrase>", "</phrase>", "<object>", "</object>")


def box_between(first: int, last: int, side: int) -> Box:
    """The box from the upper left cell to the lower right one, of `side` x `side` cells, as
    shares of the picture's sides: from middle to middle, or, where both lie in one row or
    column, all of the cells.
    """
    (top, left), (bottom, right) = divmod(first, side), divmod(last, side)
    in_line = top == bottom or left == right
    begun, ended = (0.0, 1.0) if in_line else (0.5, 0.5)
    return Box(
        (left + begun) / side, (top + begun) / side, (right + ended) / side, (bottom + ended) / side
    )


def _on_photo(share: Box, grid: PatchGrid) -> Box:
    """A box in shares of what the model saw, in photo pixels; no larger than the photo."""
    box = grid.box
    across = sorted(box.left + part * box.width for part in (share.left, share.right))
    down = sorted(box.top + part * box.height for part in (share.top, share.bottom))
    left, right = (min(max(0.0, each), grid.photo_width) for each in across)
    top, bottom = (min(max(0.0, each), grid.photo_height) for each in down)
    return Box(left, top, right, bottom)


def _said(message: Mapping[str, Any]) -> tuple[str, str]:
    """A turn's leading pictures and its text. A question is asked as the model was trained."""
    parts = [part.get("text", Kosmos2.placeholder).strip() for part in message["content"]]
    leading = 0
    while leading < len(parts) and parts[leading] == Kosmos2.placeholder:
        leading += 1
    text = " ".join(parts[leading:])
    asked = message["role"] == "user" and text.endswith("?")
    return "".join(parts[:leading]), f"Question: {text} Answer:" if asked else text
