"""Stage 1: encode every photo once and keep its cells on disk.

The encoder stays frozen, so its output is computed once: fine cells float16
[photo, 256, 120] and coarse cells float16 [photo, 64, 352] (before the head, which is
smaller). Both lie in memory-mapped `.npy` files beside a list of the photos' paths.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from mmgpt_desktop.engine.images import load_photo
from mmgpt_desktop.model import MMGPTImageProcessor
from mmgpt_desktop.model.configuration import IMAGE_SIZE
from mmgpt_desktop.model.encoder import (
    COARSE_BACKBONE_CHANNELS,
    FINE_CHANNELS,
    EfficientNetLite2,
)
from mmgpt_desktop.pixels import prepare
from mmgpt_desktop.training.encoder_weights import pretrained_encoder

BATCH = 32


@dataclass(frozen=True)
class FeatureStore:
    """Cached cells of the photos; `index` maps a photo's path below the data folder to its row."""

    fine: NDArray[np.float16]
    coarse: NDArray[np.float16]
    index: dict[str, int]

    @classmethod
    def open(cls, folder: Path) -> FeatureStore:
        photos = json.loads((folder / "photos.json").read_text(encoding="utf-8"))
        return cls(
            np.load(folder / "fine.npy", mmap_mode="r"),
            np.load(folder / "coarse.npy", mmap_mode="r"),
            {photo: row for row, photo in enumerate(photos)},
        )


def photo_paths(data: Path) -> list[str]:
    """All photos that a text names, in a fixed order."""
    with (data / "texts.jsonl").open(encoding="utf-8") as lines:
        return sorted({json.loads(line)["image"] for line in lines})


def read_pixels(path: Path) -> Any:
    """A photo as the encoder reads it: float32 [3, size, size]."""
    pixels, _ = prepare(load_photo(path), MMGPTImageProcessor().spec)
    return pixels[0]


def cache_features(data: Path, work: Path) -> None:
    """Write the cache below `work`; what is there already is kept and continued."""
    folder = work / "features"
    folder.mkdir(parents=True, exist_ok=True)
    photos = photo_paths(data)
    (folder / "photos.json").write_text(json.dumps(photos), encoding="utf-8")
    fine = _array(folder / "fine.npy", (len(photos), (IMAGE_SIZE // 16) ** 2, FINE_CHANNELS))
    coarse = _array(
        folder / "coarse.npy", (len(photos), (IMAGE_SIZE // 32) ** 2, COARSE_BACKBONE_CHANNELS)
    )
    done_file = folder / "done.txt"
    done = int(done_file.read_text()) if done_file.exists() else 0
    encoder = pretrained_encoder()
    for rows, pixels in _batches(data, photos, done):
        fine[rows], coarse[rows] = _encode(encoder, pixels)
        done_file.write_text(str(rows.stop))
        print(f"\r{rows.stop}/{len(photos)} photos", end="", flush=True)
    print()


def _array(path: Path, shape: tuple[int, ...]) -> Any:
    if path.exists():
        array = np.load(path, mmap_mode="r+")
        if array.shape == shape:
            return array
    return open_memmap(path, mode="w+", dtype=np.float16, shape=shape)


def _batches(data: Path, photos: Sequence[str], start: int) -> Iterator[tuple[slice, torch.Tensor]]:
    for first in range(start, len(photos), BATCH):
        chunk = photos[first : first + BATCH]
        pixels = np.stack([read_pixels(data / photo) for photo in chunk])
        yield slice(first, first + len(chunk)), torch.from_numpy(pixels)


def _encode(encoder: EfficientNetLite2, pixels: torch.Tensor) -> tuple[Any, Any]:
    pixels = pixels.to(memory_format=torch.channels_last)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        maps = encoder.backbone(pixels)
    fine, coarse = (m.flatten(2).transpose(1, 2).to(torch.float16).numpy() for m in maps)
    return fine, coarse
