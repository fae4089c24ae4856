"""How near test photos come back from their codes, beside JPEG with as many bytes."""

from __future__ import annotations

import io
import math
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from mmgpt_desktop.imaging.encoded import encoded
from mmgpt_desktop.imaging.images import load_photo
from mmgpt_desktop.model.packing import load_packed
from mmgpt_desktop.model.painting.picture_coder import PictureCoder
from mmgpt_desktop.training.painting.coder_training import CODER
from mmgpt_desktop.training.painting.decoder_training import DECODER
from mmgpt_desktop.training.painting.enlarger_training import ENLARGER
from mmgpt_desktop.training.painting.seen_difference import SeenDifference
from mmgpt_desktop.training.painting.shown import as_bytes, as_tensor, part
from mmgpt_desktop.training.photo_texts import images_of

_SIDES = (256, 192, 128, 96, 64, 48, 32, 24, 16, 8)
_QUALITIES = (1, 5, 10, 20, 35, 50, 70)
_SCAN, _SCAN_HEADER = b"\xff\xda", 14
Pixels = NDArray[np.uint8]


def reconstruction(data: Path, work: Path, bundle: Path, limit: int = 300) -> str:
    """A table of the coders, as far as they were trained, and JPEG, on so many test photos, as
    large as the largest of them draws. `bundle` is mmgpt-mini's, whose encoder says how different
    two pictures look."""
    seen = SeenDifference(load_packed(bundle).encoder)
    coders = {
        name: PictureCoder.from_pretrained(work / "painting" / name).eval()
        for name in (CODER, DECODER, ENLARGER)
        if (work / "painting" / name).is_dir()
    }
    config = list(coders.values())[-1].config
    size, bits = config.drawn_size, math.log2(config.codes)
    most = math.ceil(config.side**2 * config.codes_per_cell * bits / 8)
    images = images_of(data, "test")
    chosen = random.Random(0).sample(images, min(limit, len(images)))
    photos = [part(load_photo(data / image).pixels, size, None) for image in chosen]
    lines = [
        f"| {len(photos)} test photos of {size} pixels, {most} bytes each | PSNR, dB | looks |",
        "| --- | ---: | ---: |",
    ]
    for name, coder in coders.items():
        lines.append(_row(name, photos, [_through(coder, each) for each in photos], seen))
    lines.append(_row("JPEG, without its header", photos, [jpeg(p, most) for p in photos], seen))
    return "\n".join(lines)


@torch.inference_mode()
def _through(coder: PictureCoder, pixels: Pixels) -> Pixels:
    drawn = Image.fromarray(as_bytes(coder(as_tensor(pixels)[None]))[0])
    return np.array(drawn.resize(pixels.shape[:2], Image.Resampling.BICUBIC), np.uint8)


@torch.inference_mode()
def _row(name: str, photos: Sequence[Pixels], drawn: Sequence[Pixels], seen: SeenDifference) -> str:
    pairs = list(zip(photos, drawn, strict=True))
    decibels = sum(psnr(*pair) for pair in pairs) / len(pairs)
    looks = sum(float(seen(*(as_tensor(each)[None] for each in pair))) for pair in pairs)
    return f"| {name} | {decibels:.1f} | {looks / len(pairs):.3f} |"


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
