"""How near test photos come back from their codes, beside JPEG with as many bytes."""

from __future__ import annotations

import io
import math
import random
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from mmgpt_desktop.imaging.encoded import encoded
from mmgpt_desktop.imaging.images import load_photo
from mmgpt_desktop.model.painting.picture_coder import PictureCoder
from mmgpt_desktop.training.evaluation.answering import with_progress
from mmgpt_desktop.training.evaluation.metrics import bootstrap, mean
from mmgpt_desktop.training.evaluation.table import Row
from mmgpt_desktop.training.painting.seen_difference import SeenDifference
from mmgpt_desktop.training.painting.shown import as_bytes, as_tensor, part
from mmgpt_desktop.training.photo_texts import images_of

_SIDES = (256, 192, 128, 96, 64, 48, 32, 24, 16, 8)
_QUALITIES = (1, 5, 10, 20, 35, 50, 70)
_SCAN, _SCAN_HEADER = b"\xff\xda", 14
Pixels = NDArray[np.uint8]


class Back(NamedTuple):
    """How near a photo came back: `decibels` (PSNR, more is nearer), and how different it `looks`
    to our encoder (less is nearer)."""

    decibels: float
    looks: float


def reconstruction(
    data: Path, coder: PictureCoder, seen: SeenDifference, limit: int | None
) -> list[Row]:
    """How near test photos, as large as the coder draws, come back from its codes, and from JPEG
    with as many bytes."""
    config = coder.config
    most = math.ceil(config.side**2 * config.codes_per_cell * math.log2(config.codes) / 8)
    images = images_of(data, "test")
    chosen = random.Random(0).sample(images, min(limit or len(images), len(images)))
    ours, theirs = list[Back](), list[Back]()
    for image in with_progress("coding", chosen):
        pixels = part(load_photo(data / image).pixels, config.drawn_size, None)
        ours.append(_back(pixels, _through(coder, pixels), seen))
        theirs.append(_back(pixels, jpeg(pixels, most), seen))
    compared = f"JPEG of {most} bytes after its header"
    rows = []
    for number, measure in enumerate(("PSNR, dB", "different look")):
        model, other = (
            bootstrap(mean([e[number] for e in each]), chosen) for each in (ours, theirs)
        )
        task = "photos back from their codes"
        rows.append(Row(task, measure, len(chosen), model, {compared: other}, percent=False))
    return rows


@torch.inference_mode()
def _through(coder: PictureCoder, pixels: Pixels) -> Pixels:
    drawn: Pixels = as_bytes(coder(as_tensor(pixels)[None]))[0]
    return drawn


@torch.inference_mode()
def _back(pixels: Pixels, drawn: Pixels, seen: SeenDifference) -> Back:
    looks = seen(*(as_tensor(each)[None] for each in (pixels, drawn)))
    return Back(psnr(pixels, drawn), float(looks))


def psnr(one: Pixels, other: Pixels) -> float:
    error = float(np.square(one.astype(np.float64) - other).mean())
    return 10 * math.log10(255**2 / max(error, 1e-6))


def jpeg(pixels: Pixels, most: int) -> Pixels:
    """The nearest that JPEG comes with so many bytes after its header, which is the same for all:
    of the picture as it is, or made smaller first and larger again; the smallest where none is."""
    whole = Image.fromarray(pixels)
    found: list[tuple[float, Pixels]] = []
    for side in (each for each in _SIDES if each <= max(whole.size)):
        small = whole.resize((side, side), Image.Resampling.LANCZOS)
        for quality in _QUALITIES:
            data = encoded(small, "JPEG", quality=quality)
            if len(data) - data.index(_SCAN) - _SCAN_HEADER > most and (
                found or side > min(_SIDES)
            ):
                break
            with Image.open(io.BytesIO(data)) as opened:
                again = np.array(opened.resize(whole.size, Image.Resampling.BICUBIC), np.uint8)
            found.append((psnr(pixels, again), again))
    return max(found, key=lambda pair: pair[0])[1]
