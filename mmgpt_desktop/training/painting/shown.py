"""Photos as painters learn from them: a part of each, small and square."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset

from mmgpt_desktop.imaging.images import load_photo

SMALLEST = 0.8
"""Of the shorter side that a part keeps."""
OFTEN: Mapping[str, float] = {
    **{"flowers102": 3.0, "clothing": 3.0, "fashion": 2.0, "caltech101": 2.0, "grocery": 1.0},
    **{"flickr8k": 1.0, "coco": 1.0, "coco2": 1.0, "pascal_sent": 1.0, "ade20k": 1.0},
}
"""How often a collection's photos come in one pass of the coder."""
TOLD_OFTEN: Mapping[str, float] = {
    **{"flowers102": 2.0, "clothing": 3.0, "fashion": 5.0, "caltech101": 2.0, "grocery": 2.0},
    **{"flickr8k": 0.15, "coco": 0.1, "coco2": 0.1, "pascal_sent": 0.15, "ade20k": 0.15},
}
"""The same of the painter, which is to draw single things first."""
_DOG, _DOGS = re.compile(r"\bdogs?\b"), 2.0


def how_often(image: str, said: Sequence[str]) -> float:
    """Of a photo about which this is said: dogs come more often than what else people describe."""
    often = TOLD_OFTEN.get(Path(image).parts[1], 0.0)
    return _DOGS if often < 1 and sum(bool(_DOG.search(each)) for each in said) > 2 else often


class PhotoParts(Dataset[dict[str, Tensor]]):
    """Squares of photos: any part in training, mirrored or not, or always the middle."""

    def __init__(
        self, data: Path, images: Sequence[str], size: int, *, samples: int, seed: int | None
    ) -> None:
        """`seed` None takes each photo's middle, one after the other."""
        self.data, self.images, self.size = data, images, size
        self.samples, self.seed = samples, seed
        self.often = [OFTEN.get(Path(image).parts[1], 0.0) for image in images]

    def __len__(self) -> int:
        return self.samples

    def __getitem__(self, number: int) -> dict[str, Tensor]:
        """`pixels` [3, size, size] from -1 to 1, which are also what is to come out: `labels`."""
        rng = None if self.seed is None else random.Random(f"{self.seed} {number}")
        image = (
            rng.choices(self.images, self.often)[0]
            if rng
            else self.images[number % len(self.images)]
        )
        pixels = as_tensor(part(load_photo(self.data / image).pixels, self.size, rng))
        return {"pixels": pixels, "labels": pixels}


def part(pixels: NDArray[np.uint8], size: int, rng: random.Random | None) -> NDArray[np.uint8]:
    """A square of a photo [height, width, 3], `size` pixels wide: drawn, or the middle one."""
    photo = Image.fromarray(pixels)
    share = rng.uniform(SMALLEST, 1) if rng else 1.0
    side = max(1, round(min(photo.size) * share))
    across, down = (rng.random(), rng.random()) if rng else (0.5, 0.5)
    left, top = round((photo.width - side) * across), round((photo.height - side) * down)
    square = (left, top, left + side, top + side)
    small = photo.resize((size, size), Image.Resampling.LANCZOS, square, reducing_gap=2.0)
    found: Any = np.array(small)
    mirrored = rng is not None and rng.random() < 0.5
    return np.ascontiguousarray(found[:, ::-1] if mirrored else found)


def as_tensor(pixels: NDArray[np.uint8]) -> Tensor:
    """Bytes [height, width, 3] as numbers [3, height, width] from -1 to 1."""
    return torch.from_numpy(pixels).permute(2, 0, 1).float() / 127.5 - 1


def as_bytes(pixels: Tensor) -> NDArray[np.uint8]:
    """The way back, of pixels [..., 3, height, width]; what strays beyond is cut off."""
    whole = ((pixels.float().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    found: NDArray[np.uint8] = whole.movedim(-3, -1).cpu().numpy()
    return found
