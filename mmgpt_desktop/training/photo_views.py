"""Other looks at a training photo: a part of it in another light, and maybe mirrored.

The part has another shape, so what it shows is squashed in another way. What was said of the
photo still holds, but for where things are, how many, and which of them is the largest.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance

from mmgpt_desktop.training.questions import QA

_SMALLEST = 0.75  # of a side that is kept
_LIGHT = 0.25  # the most that brightness and contrast are changed by
SPOILED = frozenset(
    ["where", "side", "largest", "count", "objects", "truefalse", "share", "relation", "bigger"]
) | {"claim", "held", "does"}
"""Kinds of questions that a view may answer otherwise."""
_PRESENCE = frozenset({"yesno", "either", "who"})
"""So are these, but where captions named the things: people name what is large."""
_PLACED = re.compile(r"\b(how many|number|left|right|sides?|corner|large|largest|big|biggest|top"
                     r"|bottom|middle|cent(er|re))\b")  # fmt: skip

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class View:
    """`left`, `top`, `width` and `height` are shares of the photo's."""

    left: float
    top: float
    width: float
    height: float
    brightness: float
    contrast: float
    mirrored: bool

    def of(self, pixels: Pixels) -> Pixels:
        """[height, width, 3]."""
        photo = Image.fromarray(pixels)
        left, top = round(self.left * photo.width), round(self.top * photo.height)
        width = max(1, round(self.width * photo.width))
        height = max(1, round(self.height * photo.height))
        photo = photo.crop((left, top, left + width, top + height))
        photo = ImageEnhance.Brightness(photo).enhance(self.brightness)
        photo = ImageEnhance.Contrast(photo).enhance(self.contrast)
        turned: Any = np.asarray(photo)[:, ::-1] if self.mirrored else np.asarray(photo)
        return np.ascontiguousarray(turned, np.uint8)


def view_of(image: str, number: int) -> View:
    """A photo's n-th view, the same whenever it is asked for."""
    rng = random.Random(f"{image} {number}")
    width, height = rng.uniform(_SMALLEST, 1), rng.uniform(_SMALLEST, 1)
    return View(
        left=rng.uniform(0, 1 - width),
        top=rng.uniform(0, 1 - height),
        width=width,
        height=height,
        brightness=rng.uniform(1 - _LIGHT, 1 + _LIGHT),
        contrast=rng.uniform(1 - _LIGHT, 1 + _LIGHT),
        mirrored=rng.random() < 0.5,
    )


def unspoiled(pairs: Mapping[str, Sequence[QA]]) -> dict[str, list[QA]]:
    """The pairs that hold for a view, too; all of them where none does."""
    spoiled = SPOILED if "caption" in pairs else SPOILED | _PRESENCE
    kept = {
        kind: [pair for pair in many if kind != "vqa" or not _PLACED.search(pair[0])]
        for kind, many in pairs.items()
        if kind not in spoiled
    }
    left = {kind: many for kind, many in kept.items() if many}
    return left or {kind: list(many) for kind, many in pairs.items()}
