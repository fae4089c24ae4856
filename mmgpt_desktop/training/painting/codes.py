"""Every photo as the picture's coder keeps it: once as it is, and as other parts of it."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from mmgpt_desktop.imaging.images import load_photo
from mmgpt_desktop.model.painting.picture_coder import PictureCoder
from mmgpt_desktop.training.painting.coder_training import CODER
from mmgpt_desktop.training.painting.shown import as_tensor, part
from mmgpt_desktop.training.photo_texts import images_of

FILE, LIST = "codes.npy", "coded.json"
BATCH = 32


@dataclass(frozen=True)
class CodedPhotos:
    """Codes int16 [photo, look, cells, codes of a cell]; `index` maps a photo to its row."""

    codes: NDArray[np.int16]
    index: dict[str, int]

    @classmethod
    def open(cls, work: Path) -> CodedPhotos:
        photos = json.loads((work / LIST).read_text(encoding="utf-8"))
        codes = np.load(work / FILE, mmap_mode="r")
        return cls(codes, {photo: row for row, photo in enumerate(photos)})


@torch.inference_mode()
def cache_codes(data: Path, work: Path, looks: int = 6) -> Path:
    """Write the codes of all photos for training and choosing; look 0 is the photo's middle."""
    work = work / "painting"
    coder = PictureCoder.from_pretrained(work / CODER).eval()
    photos = images_of(data, "train") + images_of(data, "dev")
    config = coder.config
    found = np.zeros((len(photos), looks, config.side**2, config.codes_per_cell), np.int16)
    for first in range(0, len(photos), BATCH):
        some = photos[first:][:BATCH]
        shown = [_looks(data / photo, looks, config.picture_size) for photo in some]
        pixels = torch.stack(list(itertools.chain.from_iterable(shown)))
        with torch.autocast("cpu", torch.bfloat16):
            codes = coder.encode(pixels.contiguous(memory_format=torch.channels_last))
        found[first : first + len(some)] = codes.reshape(found[first : first + len(some)].shape)
        print(f"\r{first + len(some)}/{len(photos)} photos", end="", flush=True)
    print()
    np.save(work / FILE, found)
    (work / LIST).write_text(json.dumps(photos), encoding="utf-8")
    return work / FILE


def _looks(path: Path, looks: int, size: int) -> Sequence[torch.Tensor]:
    pixels = load_photo(path).pixels
    drawn = [None, *(random.Random(f"{path.name} {look}") for look in range(1, looks))]
    return [as_tensor(part(pixels, size, rng)) for rng in drawn]
