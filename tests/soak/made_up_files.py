"""What people drop on the window: pictures of all kinds, and what only looks like one."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

from mmgpt_desktop.resources import read_samples

_EXIF_ORIENTATION, _TURNED_RIGHT = 0x0112, 6
_SIDES = (320, 240)


def make_files(folder: Path) -> tuple[Path, ...]:
    """The sample photos, odd pictures that can be opened, and files that can't."""
    folder.mkdir(parents=True, exist_ok=True)
    samples = tuple(sample.path for sample in read_samples())
    return samples + _odd_pictures(folder) + _no_pictures(folder, samples[0])


def noise(seed: int, width: int = _SIDES[0], height: int = _SIDES[1]) -> Image.Image:
    """Another picture for each seed, with large patches as photos have."""
    small = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), np.uint8)
    return Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)


def _odd_pictures(folder: Path) -> tuple[Path, ...]:
    paths: list[Path] = []

    def add(name: str, image: Image.Image, **options: object) -> None:
        path = folder / name
        image.save(path, **options)  # type: ignore[arg-type]
        paths.append(path)

    add("one pixel.png", Image.new("RGB", (1, 1), "red"))
    add("a line.png", noise(1, 4000, 3))
    add("a tower.webp", noise(2, 20, 2000))
    add("large.jpg", noise(3, 6000, 4500), quality=40)
    add("grey.jpg", noise(4).convert("L"))
    add("cmyk.jpg", noise(5).convert("CMYK"))
    add("16 bit.png", Image.fromarray(np.full((240, 320), 40_000, np.uint16)))
    add("float.tiff", Image.fromarray(np.linspace(0, 1, 76_800, dtype="f4").reshape(240, 320)))
    add("palette.gif", noise(6).convert("P"))
    clear = noise(7).convert("RGBA")
    clear.putalpha(60)
    add("clear.png", clear)
    add("moving.gif", noise(8), save_all=True, append_images=[noise(9), noise(10)], duration=100)
    exif = Image.Exif()
    exif[_EXIF_ORIENTATION] = _TURNED_RIGHT
    add("turned.jpg", noise(11), exif=exif)
    add("名前 🐶 with a very long name " + "x" * 120 + ".png", noise(12))
    return tuple(paths)


def _no_pictures(folder: Path, photo: Path) -> tuple[Path, ...]:
    whole = photo.read_bytes()
    contents = {
        "cut short.jpg": whole[: len(whole) // 3],
        "empty.png": b"",
        "a text.jpg": b"This is no picture at all.\n" * 40,
        "scrambled.jpg": whole[:400] + bytes(reversed(whole[400:])),
        "huge.png": _png_header(60_000, 60_000),
        "no session.mmgpt": b"PK\x03\x04" + b"\0" * 60,
    }
    for name, data in contents.items():
        (folder / name).write_bytes(data)
    (folder / "a folder.jpg").mkdir(exist_ok=True)
    return (*(folder / name for name in contents), folder / "a folder.jpg", folder / "gone.jpg")


def _png_header(width: int, height: int) -> bytes:
    """A PNG that says how large it is, and holds nothing."""
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return b"\x89PNG\r\n\x1a\n" + chunk
