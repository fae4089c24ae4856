"""Files of every kind, good and bad."""

from __future__ import annotations

import io
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmgpt_desktop.errors import ImageError
from mmgpt_desktop.imaging.images import KEPT_SIDE, load_photo, photo_from_bytes
from mmgpt_desktop.imaging.pixels import ImageSpec, patch_grid, prepare
from mmgpt_desktop.messages import Photo
from tests.fakes import make_photo

SPEC = ImageSpec(size=32, mean=127.0, std=128.0, max_aspect=2.0, rows=4, columns=4)


def encode(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def photo_of(image: Image.Image, kind: str = "PNG", **options: object) -> Photo:
    return photo_from_bytes(encode(image, kind, **options), "test")


def corners() -> Image.Image:
    """6 wide, 4 high, red only at the top left."""
    image = Image.new("RGB", (6, 4), "blue")
    image.putpixel((0, 0), (255, 0, 0))
    return image


def png_header(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(b"\0" * 100)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data)


def sentence(error: ImageError) -> str:
    assert error.title.endswith(".")
    assert "\n" not in str(error)
    return error.title


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "AVIF", "PPM"])
def test_ordinary_files_open(kind: str) -> None:
    photo = photo_of(Image.new("RGB", (20, 10), (200, 100, 50)), kind)
    assert (photo.width, photo.height, photo.notes) == (20, 10, ())
    assert np.abs(photo.pixels.astype(int) - (200, 100, 50)).max() <= 6
    assert not photo.pixels.flags.writeable


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize(
    ("orientation", "red", "size"),
    [
        (1, (0, 0), (6, 4)),
        (2, (0, 5), (6, 4)),
        (3, (3, 5), (6, 4)),
        (4, (3, 0), (6, 4)),
        (5, (0, 0), (4, 6)),
        (6, (0, 3), (4, 6)),
        (7, (5, 3), (4, 6)),
        (8, (5, 0), (4, 6)),
    ],
)
def test_exif_orientation_is_applied(
    kind: str, orientation: int, red: tuple[int, int], size: tuple[int, int]
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    photo = photo_of(corners(), kind, exif=exif)
    assert (photo.width, photo.height) == size
    assert tuple(np.argwhere(photo.pixels[..., 0] == 255)[0]) == red


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_broken_exif_does_not_lose_the_picture() -> None:
    photo = photo_of(corners(), "JPEG", exif=b"Exif\0\0MM\0*\0\0\xff\xff")
    assert photo.width == 6


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_of_an_animation_the_first_frame_is_used_and_said_so(kind: str) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "lime", "blue")]
    photo = photo_of(frames[0], kind, save_all=True, append_images=frames[1:], lossless=True)
    assert [*map(str, photo.notes)] == ["Only the first of its 3 frames is used."]
    assert tuple(photo.pixels[4, 4]) == (255, 0, 0)


def test_of_a_many_paged_tiff_the_first_page_is_used() -> None:
    pages = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    photo = photo_of(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    assert [*map(str, photo.notes)] == ["Only the first of its 2 pages is used."]


def test_a_phones_jpeg_with_a_preview_is_no_animation() -> None:
    image = Image.new("RGB", (8, 8))
    assert photo_of(image, "MPO", save_all=True, append_images=[image]).notes == ()


def test_cmyk_becomes_rgb() -> None:
    photo = photo_of(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG")
    red, green, blue = photo.pixels[4, 4].astype(int)
    assert red > 200
    assert green < 60
    assert blue < 60


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_16_bits_are_scaled_not_clipped(kind: str) -> None:
    values = np.array([[0, 257 * 64, 257 * 128, 65535]], np.uint16)
    photo = photo_of(Image.fromarray(values), kind)
    assert photo.pixels[0, :, 0].tolist() == [0, 64, 128, 255]


def test_wide_integers_and_floats_are_scaled_by_their_own_range() -> None:
    integers = photo_of(Image.fromarray(np.array([[0, 1_000_000]], np.int32)), "TIFF")
    floats = photo_of(Image.fromarray(np.array([[-1.0, 1.0, np.nan]], np.float32)), "TIFF")
    constant = photo_of(Image.fromarray(np.full((2, 2), -3.0, np.float32)), "TIFF")
    assert integers.pixels[0, :, 0].tolist() == [0, 255]
    assert floats.pixels[0, :, 0].tolist() == [0, 255, 0]
    assert constant.pixels.shape == (2, 2, 3)


def test_transparency_lies_on_white() -> None:
    image = Image.new("RGBA", (4, 4), (255, 0, 0, 0))
    image.putpixel((0, 0), (255, 0, 0, 255))
    clear = photo_of(image)
    half = photo_of(Image.new("LA", (4, 4), (0, 128)))
    assert clear.pixels[0, 0].tolist() == [255, 0, 0]
    assert (clear.pixels[1:] == 255).all()
    assert half.pixels[0, 0].tolist() == [127, 127, 127]


def test_a_transparent_palette_lies_on_white() -> None:
    image = Image.new("P", (4, 4), 1)
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.putpixel((0, 0), 0)
    photo = photo_of(image, "PNG", transparency=0)
    assert photo.pixels[0, 0].tolist() == [255, 255, 255]
    assert photo.pixels[1, 1].tolist() == [0, 0, 255]


@pytest.mark.parametrize("size", [(1, 1), (8000, 20), (20, 8000), (1, 300)])
def test_odd_sizes_open_and_prepare(size: tuple[int, int]) -> None:
    photo = photo_of(Image.new("RGB", size, "white"))
    pixels, grid = prepare(photo, SPEC)
    assert max(photo.width, photo.height) <= KEPT_SIDE
    assert pixels.shape == (1, 3, 32, 32)
    assert np.isfinite(pixels).all()
    assert grid.box.left <= 0
    assert grid.box.bottom >= photo.height


def test_a_large_photo_is_kept_smaller_and_its_grid_fits_what_is_kept() -> None:
    photo = photo_of(Image.new("RGB", (9000, 3000), "green"), "JPEG", quality=30)
    assert (photo.width, photo.height) == (KEPT_SIDE, 1365)
    grid = patch_grid(photo, SPEC)
    assert (grid.photo_width, grid.photo_height) == (KEPT_SIDE, 1365)
    assert grid.box.right == pytest.approx(KEPT_SIDE)


def test_a_decompression_bomb_is_refused_from_its_header() -> None:
    with pytest.raises(ImageError) as caught:
        photo_from_bytes(png_header(40_000, 40_000), "bomb.png")
    assert "40000 x 40000" in sentence(caught.value)


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")  # Pillow warns of odd TIFF tags
@pytest.mark.parametrize("kind", ["PNG", "GIF", "WEBP", "TIFF", "BMP", "AVIF"])
def test_any_damage_is_one_sentence_or_a_picture(kind: str) -> None:
    random = np.random.default_rng(1)
    noise = random.integers(0, 255, (32, 32, 3)).astype(np.uint8)
    data = encode(Image.fromarray(noise), kind)
    sentences = set()
    for _ in range(40):
        damaged = bytearray(data[: random.integers(1, len(data))])
        damaged[random.integers(0, len(damaged))] ^= 0xFF
        try:
            photo_from_bytes(bytes(damaged), "damaged")
        except ImageError as error:
            sentences.add(error.title.split(" ")[0])
    assert sentences <= {"The", "This"}


def test_an_empty_file_says_so() -> None:
    with pytest.raises(ImageError) as caught:
        photo_from_bytes(b"", "nothing.jpg")
    assert sentence(caught.value) == "The file nothing.jpg is empty."


@pytest.mark.parametrize(
    "data", [b"just text", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", b"%PDF-1.7\n"]
)
def test_what_is_no_raster_picture_is_refused(data: bytes) -> None:
    with pytest.raises(ImageError) as caught:
        photo_from_bytes(data, "a.eps")
    assert "not a picture" in sentence(caught.value)


def test_folder_missing_file_and_strange_paths(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="is a folder"):
        load_photo(tmp_path)
    with pytest.raises(ImageError, match="There is no file"):
        load_photo(tmp_path / "gone.png")
    with pytest.raises(ImageError, match="There is no file"):
        load_photo(Path("nul\0byte.png"))
    with pytest.raises(ImageError, match="can't be read"):
        load_photo(tmp_path / ("x" * 5000))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_refused_instead_of_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(ImageError, match="not an ordinary file"):
        load_photo(tmp_path / "pipe.png")


def test_a_file_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "secret.png"
    path.write_bytes(encode(corners()))

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)  # root may read everything, so chmod won't do
    with pytest.raises(ImageError, match=r"no permission to read secret\.png"):
        load_photo(path)


@pytest.mark.parametrize(
    "name", ["two words.png", "\U0001f436 dog.png", "line\nbreak.png", "\u202egnp.png"]
)
def test_names_of_all_kinds_open_and_show_on_one_line(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(encode(corners()))
    photo = load_photo(tmp_path / name)
    assert photo.width == 6
    assert "\n" not in photo.name
    assert "\u202e" not in photo.name
    assert photo.name.endswith(".png") or "gnp" in photo.name


def test_image_id_follows_the_pixels() -> None:
    same = photo_from_bytes(encode(corners()), "other name")
    assert photo_of(corners()).image_id == same.image_id
    assert photo_of(Image.new("RGB", (6, 4))).image_id != same.image_id
    assert (
        photo_of(Image.new("RGB", (4, 6))).image_id != photo_of(Image.new("RGB", (6, 4))).image_id
    )


def test_prepare_squashes_the_whole_photo() -> None:
    pixels, grid = prepare(make_photo(48, 32, value=255), SPEC)
    assert pixels.dtype == np.float32
    assert pixels == pytest.approx(1.0)
    assert (grid.box.left, grid.box.top, grid.box.right, grid.box.bottom) == (0, 0, 48, 32)


def test_prepare_letterboxes_long_photos_with_the_mean() -> None:
    pixels, grid = prepare(make_photo(80, 20, value=255), SPEC)
    assert pixels[0, :, :8] == pytest.approx(0.0)
    assert pixels[0, :, 8:24] == pytest.approx(1.0)
    assert pixels[0, :, 24:] == pytest.approx(0.0)
    assert (grid.box.left, grid.box.top, grid.box.right, grid.box.bottom) == (0, -10, 80, 30)


@pytest.mark.parametrize("size", [(60, 40), (40, 60), (200, 20), (20, 200), (97, 31)])
def test_a_lit_spot_in_a_corner_lies_in_the_cell_that_says_so(size: tuple[int, int]) -> None:
    """The only object in a corner: the brightest cell's box must contain it."""
    width, height = size
    image = np.full((height, width, 3), 127, np.uint8)
    image[-6:, :6] = 255
    pixels, grid = prepare(Photo(image, "corner", "corner"), SPEC)
    means = pixels[0, 0].reshape(4, 8, 4, 8).mean(axis=(1, 3)).ravel()
    box = grid.cell_box(int(means.argmax()))
    assert box.left <= 3 <= box.right
    assert box.top <= height - 3 <= box.bottom


@pytest.mark.parametrize("size", [(4096, 1), (1, 4096), (600, 10)])
def test_of_a_thin_strip_enough_is_left_to_be_seen(size: tuple[int, int]) -> None:
    width, height = size
    red = np.full((height, width, 3), (255, 0, 0), np.uint8)
    pixels, grid = prepare(Photo(red, "strip", "strip"), SPEC)
    is_red = pixels[0, 0] - pixels[0, 1] > 1.5
    assert 1 / 9 < is_red.mean() < 1 / 3
    assert grid.box.height >= height
    assert grid.box.width >= width
