"""Gemma 3: the photo stretched to a square, in fine detail with crops along its longer side.

Each view's patches are averaged to a smaller grid of tokens, which see each other both ways.
Gemma Team 2025, "Gemma 3 Technical Report" (pan and scan).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop.engine.chat.crops import Pixels, cells_over, whole
from mmgpt_desktop.engine.chat.family import Family
from mmgpt_desktop.engine.chat.image_values import BILINEAR, HALVES, whole_number
from mmgpt_desktop.engine.chat.model_inputs import ImageInputs
from mmgpt_desktop.engine.chat.patch_cells import square_views
from mmgpt_desktop.engine.folder.checkpoint import Checkpoint
from mmgpt_desktop.messages import Box, Photo


class Gemma3(Family):
    model_types = ("gemma3",)
    placeholder = "<start_of_image>"
    unsaid_context = 131_072
    image_settings: ClassVar[Mapping[str, Any]] = {
        **HALVES,
        "resample": BILINEAR,
        "size": {"height": 224, "width": 224},
        "pan_and_scan_min_crop_size": 256,
        "pan_and_scan_max_num_crops": 4,
        "pan_and_scan_min_ratio_to_activate": 1.2,
    }
    outside_blocks = 0
    windows_cut_blocks = True
    image_axes: ClassVar[Mapping[str, int | None]] = {"pixel_values": 0}

    def __init__(self, checkpoint: Checkpoint) -> None:
        super().__init__(checkpoint)
        self._across = math.isqrt(whole_number(checkpoint.config, "mm_tokens_per_image", 256))

    def preprocess(self, photo: Photo, *, tiled: bool = False) -> ImageInputs:
        boxes = [whole(photo), *(self._crops(photo) if tiled else [])]
        pixels = np.stack([self.normalised(self._view(photo, box)) for box in boxes])
        more = max(1, len(boxes) - 1)
        wide = photo.width >= photo.height
        rows, columns = (1, more) if wide else (more, 1)
        grid = cells_over(photo, rows * self._across, columns * self._across)
        views = square_views(boxes, self._across)
        return ImageInputs.of_views({"pixel_values": pixels}, views, grid)

    def expansion(self, inputs: ImageInputs) -> str:
        views = inputs.tokens // self._across**2
        run = (self.tokenizer.id_to_token(self.image_token_id) or "") * self._across**2
        view = f"\n\n{self.placeholder}{run}<end_of_image>\n\n"
        if views == 1:
            return view
        crops = " ".join([view] * (views - 1))
        return (
            f"Here is the original image {view} and here are some crops to help you see better "
            f"{crops}"
        )

    def blocks(self, token_ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Each view's tokens are one."""
        image = token_ids == self.image_token_id
        begins = image & ~np.concatenate([[False], image[:-1]])
        return np.where(image, np.cumsum(begins) - 1, -1)

    def _view(self, photo: Photo, box: Box) -> Pixels:
        pixels = photo.pixels[int(box.top) : int(box.bottom), int(box.left) : int(box.right)]
        size = self.settings["size"]
        return self.resized(pixels, int(size["width"]), int(size["height"]))

    def _crops(self, photo: Photo) -> list[Box]:
        """Pan and scan: a long photo cut across into pieces of a like size, else none."""
        long, short = max(photo.width, photo.height), min(photo.width, photo.height)
        least = int(self.settings["pan_and_scan_min_crop_size"])
        if long / short < float(self.settings["pan_and_scan_min_ratio_to_activate"]):
            return []
        number = max(2, min(long // least, math.floor(long / short + 0.5)))
        number = min(number, int(self.settings["pan_and_scan_max_num_crops"]))
        length = math.ceil(long / number)
        if min(length, short) < least:
            return []
        edges = [min(long, length * index) for index in range(number + 1)]
        if photo.width >= photo.height:
            return [Box(start, 0, stop, photo.height) for start, stop in pairwise(edges)]
        return [Box(0, start, photo.width, stop) for start, stop in pairwise(edges)]
