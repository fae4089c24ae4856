"""Stage 1: encode every photo once and keep its cells on disk.

The encoder stays frozen, so its output is computed once: fine cells float16
[photo, 256, 120] and coarse cells float16 [photo, 64, 352] (before the head, which is
smaller), of the photos and of their mirror images. They lie in memory-mapped `.npy` files
beside a list of the photos' paths and what the encoder itself takes each photo for.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from mmgpt_desktop.imaging.images import load_photo
from mmgpt_desktop.imaging.pixels import prepare
from mmgpt_desktop.model import MMGPTImageProcessor
from mmgpt_desktop.model.configuration import IMAGE_SIZE
from mmgpt_desktop.model.encoder import COARSE_BACKBONE_CHANNELS, FINE_CHANNELS, EfficientNetLite2
from mmgpt_desktop.model.packing import load_packed
from mmgpt_desktop.training.encoder_weights import pretrained_encoder
from mmgpt_desktop.training.photo_texts import read_rows
from mmgpt_desktop.training.photo_views import View, view_of

BATCH = 32
COARSE_SIDE = IMAGE_SIZE // 32
Cells = tuple[NDArray[np.float16], NDArray[np.float16]]
"""Fine and coarse."""


@dataclass(frozen=True)
class Guesses:
    """The encoder's own likeliest class of each photo.

    `places` [photo, 8, 8] is the class activation map (Zhou et al., 2016), largest value 1.
    """

    classes: NDArray[np.int16]
    probabilities: NDArray[np.float16]
    places: NDArray[np.float16]


@dataclass(frozen=True)
class FeatureStore:
    """Cached cells of the photos; `index` maps a photo's path below the data folder to its row."""

    plain: Cells
    mirrored: Cells | None
    index: dict[str, int]
    guesses: Guesses | None = None
    views: Sequence[Cells] = ()

    @classmethod
    def open(cls, folder: Path) -> FeatureStore:
        photos = json.loads((folder / "photos.json").read_text(encoding="utf-8"))
        with np.load(folder / "guesses.npz") as guesses:
            return cls(
                _opened(folder, ""),
                _opened(folder, MIRRORED),
                {photo: row for row, photo in enumerate(photos)},
                Guesses(**guesses),
                [_opened(folder, suffix) for suffix in _views_in(folder)],
            )

    def cells(self, image: str, *, mirrored: bool = False, view: int | None = None) -> Cells:
        """Fine [256, 120] and coarse [64, 352] cells of one photo, or of its n-th view. Photos
        that aren't for training have no views."""
        fine, coarse = self.mirrored if mirrored and self.mirrored else self.plain
        if view is not None:
            fine, coarse = self.views[view]
        row = self.index[image]
        return fine[row], coarse[row]

    def batch(self, images: Sequence[str]) -> tuple[torch.Tensor, torch.Tensor]:
        """Of some photos, as the model takes them: float32, [B, 256, 120] and [B, 64, 352]."""
        fine, coarse = zip(*map(self.cells, images), strict=True)
        return torch.from_numpy(np.stack(fine)).float(), torch.from_numpy(np.stack(coarse)).float()


MIRRORED = "_mirrored"


def _view_suffix(number: int) -> str:
    return f"_view{number}"


def _views_in(folder: Path) -> list[str]:
    """The suffixes of those that are whole."""
    suffixes = map(_view_suffix, itertools.count())
    return list(itertools.takewhile(lambda suffix: _is_whole(folder, suffix), suffixes))


def _is_whole(folder: Path, suffix: str) -> bool:
    done, photos = folder / f"done{suffix}.txt", folder / "photos.json"
    return done.exists() and int(done.read_text()) == len(json.loads(photos.read_bytes()))


def _opened(folder: Path, suffix: str) -> Cells:
    fine, coarse = (
        np.load(folder / f"{kind}{suffix}.npy", mmap_mode="r") for kind in ("fine", "coarse")
    )
    return fine, coarse


def photo_paths(data: Path) -> list[str]:
    """All photos that a text names, in a fixed order."""
    return sorted({row["image"] for row in read_rows(data)})


def read_pixels(path: Path, view: View | None = None) -> Any:
    """A photo, or a view of it, as the encoder reads it: float32 [3, size, size]."""
    photo = load_photo(path)
    if view is not None:
        photo = replace(photo, pixels=view.of(photo.pixels))
    pixels, _ = prepare(photo, MMGPTImageProcessor().spec)
    return pixels[0]


def cache_features(data: Path, work: Path, views: int = 0, start: Path | None = None) -> None:
    """Write the cache below `work`; what is there already is kept and continued, unless the
    data has other photos by now.

    Training photos have `views` views besides. The encoder is ImageNet's, or that of the bundle
    `start`.
    """
    folder = work / "features"
    folder.mkdir(parents=True, exist_ok=True)
    photos = photo_paths(data)
    _list(photos, folder)
    encoder = load_packed(start).encoder if start else pretrained_encoder()
    cache = partial(_cache, data, photos, encoder, folder)
    for suffix in ("", MIRRORED):
        cache(suffix, set(photos))
    guesses = guess(encoder, np.load(folder / "coarse.npy", mmap_mode="r"))
    np.savez(folder / "guesses.npz", **vars(guesses))
    learned = {row["image"] for row in read_rows(data) if row["split"] == "train"}
    for number in range(views):
        cache(_view_suffix(number), learned, number)


def _list(photos: Sequence[str], folder: Path) -> None:
    """Other photos than before stand in other rows: what is there already is of no use then."""
    listed = folder / "photos.json"
    if listed.exists() and json.loads(listed.read_bytes()) != photos:
        for done in folder.glob("done*.txt"):
            done.unlink()
    listed.write_text(json.dumps(photos), encoding="utf-8")


def _cache(
    data: Path,
    photos: Sequence[str],
    encoder: EfficientNetLite2,
    folder: Path,
    suffix: str,
    wanted: Container[str],
    view: int | None = None,
) -> None:
    """The files of this suffix: the `wanted` photos, as they are or a view of each; the others'
    cells stay 0."""
    fine_shape = (len(photos), (IMAGE_SIZE // 16) ** 2, FINE_CHANNELS)
    fine = _array(folder / f"fine{suffix}.npy", fine_shape)
    coarse_shape = (len(photos), COARSE_SIDE**2, COARSE_BACKBONE_CHANNELS)
    coarse = _array(folder / f"coarse{suffix}.npy", coarse_shape)
    done_file = folder / f"done{suffix}.txt"
    done = int(done_file.read_text()) if done_file.exists() else 0
    for first in range(done, len(photos), BATCH):
        stop = min(first + BATCH, len(photos))
        rows = [row for row in range(first, stop) if photos[row] in wanted]
        if rows:
            pixels = _pixels(data, [photos[row] for row in rows], view)
            turned = pixels.flip(-1) if suffix == MIRRORED else pixels
            fine[rows], coarse[rows] = _encode(encoder, turned)
        done_file.write_text(str(stop))
        print(f"\r{stop}/{len(photos)} photos{suffix}", end="", flush=True)
    print()


def _pixels(data: Path, photos: Sequence[str], view: int | None) -> torch.Tensor:
    views = (None if view is None else view_of(photo, view) for photo in photos)
    looks = (read_pixels(data / photo, look) for photo, look in zip(photos, views, strict=True))
    return torch.from_numpy(np.stack(list(looks)))


@torch.inference_mode()
def guess(encoder: EfficientNetLite2, coarse: NDArray[np.float16]) -> Guesses:
    """What the encoder takes each photo for, and where it sees that."""
    classes, probabilities, places = [], [], []
    for first in range(0, len(coarse), 8 * BATCH):
        cells = torch.from_numpy(coarse[first : first + 8 * BATCH].astype(np.float32))
        wide = encoder.widened(cells)
        probability, found = encoder.classify(wide).softmax(dim=-1).max(dim=-1)
        activation = torch.einsum("bchw,bc->bhw", wide, encoder.classifier.weight[found]).relu()
        largest = activation.amax(dim=(1, 2), keepdim=True).clamp(min=1e-6)
        classes.append(found.numpy().astype(np.int16))
        probabilities.append(probability.numpy().astype(np.float16))
        places.append((activation / largest).numpy().astype(np.float16))
    return Guesses(np.concatenate(classes), np.concatenate(probabilities), np.concatenate(places))


def _array(path: Path, shape: tuple[int, ...]) -> Any:
    if path.exists():
        array = np.load(path, mmap_mode="r+")
        if array.shape == shape:
            return array
    return open_memmap(path, mode="w+", dtype=np.float16, shape=shape)


def _encode(encoder: EfficientNetLite2, pixels: torch.Tensor) -> tuple[Any, Any]:
    pixels = pixels.to(memory_format=torch.channels_last)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        maps = encoder.backbone(pixels)
    fine, coarse = (m.flatten(2).transpose(1, 2).to(torch.float16).numpy() for m in maps)
    return fine, coarse
