"""Every kind of picture that people have opens, or is named for what it is."""

from __future__ import annotations

import io
import struct
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pylibjxl
import pytest
from PIL import Image

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.errors import ImageError
from mmgpt_desktop.imaging.clips import load_photos, photos_from_bytes
from mmgpt_desktop.imaging.images import photo_from_bytes
from mmgpt_desktop.messages import Photo
from tests.picture_files import (
    TEAL,
    bmp,
    box,
    chunk,
    encode,
    heic,
    ink_profile,
    jpeg,
    png,
    profile,
    segment,
    tiff,
)

BROWN = (180, 120, 50)


def opened(data: bytes, name: str = "a.jpg") -> Photo:
    (photo,) = photos_from_bytes(data, name, CancelToken())
    return photo


def refused(data: bytes, name: str = "a.jpg") -> str:
    with pytest.raises(ImageError) as caught:
        photos_from_bytes(data, name, CancelToken())
    return str(caught.value).replace(name, "")


def looks(photo: Photo, colour: tuple[int, int, int], tolerance: int = 4) -> bool:
    """All over; the middle one of each channel, so that an edge may differ."""
    middle = np.median(photo.pixels.reshape(-1, 3), axis=0)
    return bool(np.abs(middle - colour).max() <= tolerance)


def jxl(pixels: np.ndarray, **options: Any) -> bytes:
    return pylibjxl.encode(pixels, lossless=True, distance=0.0, **options)


@pytest.mark.parametrize(
    "brands",
    [
        (b"heic", b"mif1", b"heic"),
        (b"mif1", b"mif1", b"heic"),
        (b"heix", b"mif1"),
        (b"heim", b"heim"),
        (b"hevx", b"hevx"),
        (b"miaf", b"MiHB"),
        (b"msf1", b"mif1", b"heic"),
    ],
    ids=lambda brands: brands[0].decode(),
)
@pytest.mark.parametrize("name", ["a.heic", "IMG_0001.jpg"])
def test_a_phones_heic_opens_by_all_its_brands_whatever_its_name(
    brands: tuple[bytes, ...], name: str
) -> None:
    photo = opened(heic(brands=brands), name)
    assert (photo.width, photo.height) == (96, 64)
    assert looks(photo, BROWN)


def test_a_heic_is_turned_once_and_its_profile_is_used() -> None:
    turned = opened(heic(properties=(box(b"irot", b"\1"),)))
    assert (turned.width, turned.height) == (64, 96)
    swapped = opened(heic(properties=(box(b"colr", b"prof" + profile("swap")),)))
    assert looks(swapped, BROWN[::-1], 8)


def test_a_broken_heic_is_never_a_video() -> None:
    for data in (heic()[:-200], heic()[:60], heic(brands=(b"heim", b"zzzz"))[:100]):
        said = refused(data, "a.heic")
        assert "HEIC" in said
        assert "ideo" not in said


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_jpeg_xl_opens(channels: int) -> None:
    pixels = np.full((20, 30, channels), 255, np.uint8)
    pixels[..., : min(3, channels)] = BROWN[: min(3, channels)]
    photo = opened(jxl(pixels[..., 0] if channels == 1 else pixels), "a.jxl")
    assert (photo.width, photo.height) == (30, 20)
    assert looks(photo, BROWN if channels > 1 else (180, 180, 180))


def test_jpeg_xl_as_a_box_and_from_a_jpeg() -> None:
    turned = Image.Exif()
    turned[0x0112] = 6
    photo = opened(pylibjxl.jpeg_to_jxl(jpeg(size=(40, 24), exif=turned)), "a.jxl")
    assert (photo.width, photo.height) == (24, 40)
    swapped = opened(jxl(np.full((9, 9, 3), BROWN, np.uint8), icc=profile("swap")), "a.jxl")
    assert looks(swapped, BROWN[::-1])


@pytest.mark.parametrize(
    ("module", "data", "kind"),
    [("pylibjxl", b"\xff\x0a\xff\x0f", "JPEG XL"), ("pi_heif", heic(), "HEIC")],
)
def test_without_its_package_a_kind_is_named(
    module: str, data: bytes, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    said = refused(data)
    assert kind in said
    assert "isn't installed" in said


@pytest.mark.parametrize(
    ("kind", "options"),
    [("JPEG", {}), ("PNG", {}), ("WEBP", {"lossless": True}), ("TIFF", {}), ("AVIF", {})],
)
def test_a_colour_profile_is_used(kind: str, options: dict[str, object]) -> None:
    data = encode(
        Image.new("RGB", (32, 32), (255, 0, 0)), kind, icc_profile=profile("swap"), **options
    )
    assert looks(opened(data), (0, 0, 255))


def test_the_profile_of_a_bitmap_and_of_a_jpeg_2000_is_used() -> None:
    named, red = profile("swap"), b"\0\0\xff" * 64
    header = struct.pack("<IiiHHIIiiII", 124, 8, 8, 1, 24, 0, len(red), 0, 0, 0, 0)
    header += bytes(16) + b"DEBM" + bytes(52) + struct.pack("<II", 124 + len(red), len(named))
    header = header.ljust(124, b"\0")
    file = b"BM" + struct.pack("<IHHI", 138 + len(red) + len(named), 0, 0, 138)
    assert looks(opened(file + header + red + named, "a.bmp"), (0, 0, 255))
    data = encode(Image.new("RGB", (32, 32), (255, 0, 0)), "JPEG2000", irreversible=False)
    box = data.index(b"colr") - 4
    coloured = struct.pack(">I", 11 + len(named)) + b"colr\2\0\0" + named
    whole = data[:box] + coloured + data[box + 15 :]
    jp2h = whole.index(b"jp2h") - 4
    size = int.from_bytes(data[jp2h : jp2h + 4], "big") + len(coloured) - 15
    whole = whole[:jp2h] + struct.pack(">I", size) + whole[jp2h + 4 :]
    assert looks(opened(whole, "a.jp2"), (0, 0, 255))


def test_profiles_of_greys_inks_and_wide_colours() -> None:
    grey = encode(Image.new("L", (8, 8), 60), icc_profile=profile("grey"))
    assert looks(opened(grey), (133, 133, 133))
    inks = encode(Image.new("CMYK", (8, 8), (255, 0, 0, 0)), "TIFF", icc_profile=ink_profile())
    photo = opened(inks)
    assert np.ptp(photo.pixels[0, 0].astype(int)) <= 4  # no cyan: the profile knows greys only
    solid = encode(Image.new("LA", (8, 8), (60, 255)), icc_profile=profile("grey"))
    assert looks(opened(solid), (133, 133, 133))
    clear_white = encode(Image.new("L", (8, 8), 60), transparency=255, icc_profile=profile("grey"))
    assert looks(opened(clear_white), (133, 133, 133))
    wide = encode(Image.new("RGB", (8, 8), (200, 100, 50)), icc_profile=profile("wide"))
    assert looks(opened(wide), (216, 93, 24))
    palette = Image.new("P", (8, 8), 1)
    palette.putpalette([0, 0, 0, 255, 0, 0])
    assert looks(opened(encode(palette, icc_profile=profile("swap"))), (0, 0, 255))
    clear = Image.new("RGBA", (8, 8), (255, 0, 0, 128))
    assert looks(opened(encode(clear, icc_profile=profile("swap"))), (127, 127, 255))


@pytest.mark.parametrize(
    "broken",
    [b"no profile", profile("swap")[:200], profile("grey"), ink_profile(), bytes(300)],
    ids=["text", "cut", "grey", "inks", "zeros"],
)
def test_a_profile_that_is_broken_or_for_other_pixels_is_ignored(broken: bytes) -> None:
    data = encode(Image.new("RGB", (16, 16), BROWN), icc_profile=broken)
    assert looks(opened(data), BROWN)


def test_a_profile_of_srgb_changes_no_pixel() -> None:
    from PIL import ImageCms

    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    noise = np.random.default_rng(0).integers(0, 255, (16, 16, 3)).astype(np.uint8)
    photo = opened(encode(Image.fromarray(noise), icc_profile=srgb))
    assert (photo.pixels == noise).all()


def test_colours_that_a_png_names_by_numbers() -> None:
    linear = opened(png(chunk(b"gAMA", struct.pack(">I", 100_000))))
    assert looks(linear, (0, 188, 188))
    usual = opened(png(chunk(b"gAMA", struct.pack(">I", 45_455))))
    assert looks(usual, TEAL, 0)
    swap = (31270, 32900, 15000, 6000, 30000, 60000, 64000, 33000)
    corners = opened(png(chunk(b"cHRM", struct.pack(">8I", *swap))))
    assert looks(corners, TEAL[::-1])
    gamma = opened(png(chunk(b"cICP", bytes((1, 8, 0, 1)))))  # linear light
    assert looks(gamma, (0, 188, 188))
    absurd = opened(png(chunk(b"cHRM", bytes(32)), chunk(b"gAMA", bytes(4))))
    assert looks(absurd, TEAL)


def test_where_qt_cant_be_loaded_colours_stay_as_they_are_stored(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As on a server without its system libraries, where `ask` answers all the same."""
    for name in ("qt_images", "second_reader"):
        monkeypatch.setitem(sys.modules, f"mmgpt_desktop.imaging.{name}", None)
    assert looks(opened(png(chunk(b"cICP", bytes((1, 8, 0, 1))))), TEAL, 0)


def test_lab_is_a_colour() -> None:
    lab = opened(encode(Image.new("LAB", (8, 8), (128, 128, 128)), "TIFF"))
    assert np.ptp(lab.pixels[0, 0].astype(int)) <= 4
    assert 100 < lab.pixels[0, 0, 0] < 140


WRONG = 0xDEADBEEF


@pytest.mark.parametrize(
    "side",
    [
        chunk(b"tEXt", b"a\0b", WRONG),
        chunk(b"gAMA", struct.pack(">I", 100_000), WRONG),
        chunk(b"pHYs", bytes(9), WRONG),
        chunk(b"eXIf", b"MM\0*\0\0\0\x08\0\0", WRONG),
        chunk(b"sBIT", b"\5\5\5", WRONG),
        chunk(b"tIME", bytes(7), WRONG),
        chunk(b"iTXt", b"a\0\0\0\0\0b", WRONG),
        chunk(b"iCCP", b"a\0\0nonsense", WRONG),
        chunk(b"tRNS", bytes(6), WRONG),
        chunk(b"tRNS", b"\0"),
        chunk(b"tRNS", bytes(8)),
        chunk(b"zTXt", b"a\0\0nonsense"),
        chunk(b"iCCP", b"a\0\0nonsense"),
        chunk(b"iCCP", b"a\0"),
        chunk(b"cHRM", b"short"),
        chunk(b"vpAg", bytes(9)) + chunk(b"gAMA", b""),
    ],
    ids=lambda side: side[4:8].decode(),
)
@pytest.mark.parametrize("behind", [False, True])
def test_what_is_wrong_beside_the_pixels_of_a_png_is_left_out(side: bytes, behind: bool) -> None:
    assert looks(opened(png(after=side) if behind else png(side)), TEAL)


def test_a_png_may_hold_endless_texts() -> None:
    packed = io.BytesIO()
    text = "x" * 3_000_000
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("workflow", text, zip=True)
    Image.new("RGB", (8, 8), TEAL).save(packed, "PNG", pnginfo=info)
    assert looks(opened(packed.getvalue()), TEAL)
    many = chunk(b"tEXt", b"a\0" + bytes(text, "ascii")) * 25
    assert looks(opened(png(many)), TEAL)
    assert looks(opened(png(after=many)), TEAL)


def test_a_png_is_turned_wherever_it_says_so() -> None:
    exif = chunk(b"eXIf", b"MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0\6\0\0\0\0\0\0")
    for data in (png(exif, size=(8, 4)), png(after=exif, size=(8, 4))):
        assert (opened(data).width, opened(data).height) == (4, 8)


def test_a_wrong_check_sum_of_the_picture_itself_is_damage() -> None:
    data = png()
    assert "damaged" in refused(data[:29] + b"\0\0\0\0" + data[33:])


NOISE = np.random.default_rng(3).integers(0, 255, (128, 128, 3)).astype(np.uint8)


def cut_note(photo: Photo) -> int:
    """Per cent that are missing; 0 for none."""
    if not photo.notes:
        return 0
    (note,) = photo.notes
    return int(str(note).split("about ")[1].split(" %")[0])


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("kept", [0.3, 0.5, 0.9])
def test_a_jpeg_without_its_end_is_shown_and_what_is_missing_is_said(
    mode: str, kept: float
) -> None:
    data = encode(Image.fromarray(NOISE).convert(mode), "JPEG", quality=90)
    whole, part = opened(data), opened(data[: int(len(data) * kept)])
    assert cut_note(part) == pytest.approx(100 * (1 - kept), abs=20)
    seen = int(128 * kept * 0.7)
    assert np.abs(whole.pixels[:seen].astype(int) - part.pixels[:seen]).mean() < 3


@pytest.mark.parametrize("missing", [1, 2])
@pytest.mark.parametrize("colour", [BROWN, (128, 128, 128), (0, 0, 0)])
@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_without_its_last_bytes_lacks_nothing(
    missing: int, colour: tuple[int, int, int], progressive: bool
) -> None:
    photo = opened(jpeg(colour=colour, progressive=progressive)[:-missing])
    assert photo.notes == ()
    assert looks(photo, colour)


@pytest.mark.parametrize("kept", [0.3, 0.5, 0.7, 0.9, 0.99])
def test_a_progressive_jpeg_that_is_cut_lacks_details(kept: float) -> None:
    data = encode(Image.fromarray(NOISE), "JPEG", progressive=True)
    (note,) = opened(data[: int(len(data) * kept)]).notes
    assert "finest details" in str(note)


def test_a_jpeg_of_which_nearly_nothing_is_there_is_damaged() -> None:
    data = encode(Image.fromarray(NOISE), "JPEG")
    for size in (20, 300, len(data) // 40):
        assert "damaged or cut short" in refused(data[:size])


@pytest.mark.parametrize("kind", ["PNG", "GIF", "BMP", "PPM", "TGA", "PCX"])
@pytest.mark.parametrize("kept", [0.2, 0.6, 0.9])
def test_of_other_pictures_too_what_is_there_is_shown(kind: str, kept: float) -> None:
    data = encode(Image.fromarray(NOISE).convert("P" if kind == "GIF" else "RGB"), kind)
    photo = opened(data[: int(len(data) * kept)], "a.tga")
    assert cut_note(photo) == pytest.approx(100 * (1 - kept), abs=9)
    assert photo.pixels.shape == (128, 128, 3)


def test_a_bitmap_with_fewer_rows_than_it_says_is_cut_whatever_size_it_says() -> None:
    photo = opened(bmp(b"\0\0\xff" * 64 * 40, size=(64, 48), bits=24, packing=0))
    assert cut_note(photo) == pytest.approx(17, abs=2)


def test_damage_behind_the_pixels_takes_nothing_from_them() -> None:
    data = png(after=chunk(b"tEXt", bytes(40)))
    for end in (1, 4, 11, 12, 20, 60):
        assert opened(data[:-end]).notes == ()


EXIF = b"Exif\0\0MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0\1\0\0\0\0\0\0"


@pytest.mark.parametrize(
    "extra",
    [
        segment(0xE0),
        segment(0xE0, b"JFIF\0"),
        segment(0xE0, b"JFXX\0"),
        segment(0xE1),
        segment(0xE1, b"Exif\0\0"),
        segment(0xE1, b"Exif\0\0II*"),
        segment(0xE1, EXIF[:20]),
        segment(0xE2),
        segment(0xE2, b"ICC_PROFILE\0"),
        segment(0xE2, b"ICC_PROFILE\0\1\2half"),
        segment(0xE2, b"MPF\0"),
        segment(0xE2, b"MPF\0II*\0\xff\xff\xff\xff"),
        segment(0xED, b"Photoshop 3.0\0008BIM"),
        segment(0xEE),
        segment(0xEE, b"Adobe"),
        segment(0xEE, b"Adobe\0d"),
        segment(0xEF),
        segment(0xFE),
        segment(0xFE) + b"junk between",
        b"\xff\xff\xff",
        b"\xff\xd0",
    ],
    ids=repr,
)
def test_odd_segments_of_a_jpeg_are_left_out(extra: bytes) -> None:
    assert looks(opened(jpeg(extra)), BROWN)


def test_a_jpeg_with_something_before_or_behind_it() -> None:
    assert looks(opened(b"\r\n" + jpeg()), BROWN)
    assert looks(opened(jpeg(bytes(range(255)))), BROWN)
    assert looks(opened(jpeg() + bytes(100_000)), BROWN)
    assert looks(opened(b"\n" + png()), TEAL)


def test_a_jpeg_that_says_its_height_behind_the_rows() -> None:
    data = jpeg(size=(64, 48))
    place = data.index(b"\xff\xc0") + 5
    late = data[:place] + b"\0\0" + data[place + 2 : -2] + segment(0xDC, b"\0\x30") + b"\xff\xd9"
    photo = opened(late)
    assert (photo.width, photo.height) == (64, 48)


def test_a_jpeg_of_12_bits_is_named_as_a_rare_kind() -> None:
    data = bytearray(jpeg())
    data[data.index(b"\xff\xc0") + 4] = 12
    assert "rare kind of JPEG" in refused(bytes(data))


@pytest.mark.parametrize("top", [3, 20, 1023, 2047, 4095, 16383, 65535])
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_greys_of_few_bits_in_many_are_not_black(top: int, kind: str) -> None:
    ramp = np.linspace(0, top, 256).round().astype(np.uint16).reshape(1, -1)
    photo = opened(encode(Image.fromarray(ramp), kind))
    assert photo.pixels.max() > 150
    assert 70 <= photo.pixels.mean() <= 150


def test_a_depth_camera_that_saw_nothing_somewhere() -> None:
    depth = np.linspace(0, 4000, 100).astype(np.uint16).reshape(10, 10)
    depth[0, 0] = 65535
    assert opened(encode(Image.fromarray(depth))).pixels.mean() > 100


@pytest.mark.parametrize("top", [255, 4095, 65535, 1_000_000])
def test_whole_numbers_of_32_bits(top: int) -> None:
    ramp = np.linspace(0, top, 256).round().astype(np.int32).reshape(1, -1)
    assert opened(encode(Image.fromarray(ramp), "TIFF")).pixels.mean() == pytest.approx(128, abs=8)


def test_whole_numbers_of_32_bits_without_a_sign() -> None:
    ramp = np.linspace(0, 4e9, 256).astype(np.uint32).reshape(16, 16)
    assert opened(tiff(ramp, {})).pixels.mean() == pytest.approx(128, abs=8)


def test_colours_of_12_bits_in_16() -> None:
    rows = b"".join(b"\0" + struct.pack(">24H", *[0, 2048, 4095] * 8) for _ in range(8))
    assert looks(opened(png(bits=16, rows=rows)), (0, 128, 255))
    pixels = np.full((8, 8, 3), (0, 2048, 4095), np.uint16)
    assert looks(opened(tiff(pixels, {})), (0, 128, 255))


RED_TIFF = np.full((8, 8, 3), (255, 0, 0), np.uint8)


@pytest.mark.parametrize(
    ("pixels", "options"),
    [
        (RED_TIFF, {"tags": {}}),
        (RED_TIFF, {"tags": {}, "order": ">"}),
        (RED_TIFF, {"tags": {}, "big": True}),
        (RED_TIFF, {"tags": {}, "big": True, "order": ">"}),
        (RED_TIFF.astype(np.float32) / 255, {"tags": {339: [3, 3, 3]}}),
        (RED_TIFF.astype(np.float16) / 255, {"tags": {339: [3, 3, 3]}}),
        (RED_TIFF.astype("<u2") * 257, {"tags": {}}),
        (np.full((8, 8, 4), (255, 0, 0, 255), np.uint8), {"tags": {338: 2}}),
        (np.full((8, 8, 4), (0, 255, 255, 0), np.uint8), {"tags": {262: 5}}),
    ],
    ids=["plain", "motorola", "big", "big-motorola", "float", "half", "16", "alpha", "inks"],
)
def test_kinds_of_tiff_open(
    pixels: np.ndarray, options: dict[str, Any], capfd: pytest.CaptureFixture[str]
) -> None:
    photo = opened(tiff(pixels, **options), "a.tif")
    assert photo.pixels[4, 4, 0] > 220
    assert photo.pixels[4, 4, 1:].max() < 60
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "data",
    [
        tiff(np.zeros((8, 8, 5), np.float32), {339: [3] * 5}),
        tiff(RED_TIFF, {259: 50001}),
        tiff(RED_TIFF, {259: 34892}),
        tiff(RED_TIFF, {259: 99}),
        bmp(bytes(64), size=(8, 8), bits=8, packing=99),
    ],
    ids=["bands", "webp", "dng", "unknown", "bmp"],
)
def test_other_kinds_are_named(data: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    said = refused(data)
    assert "rare kind of TIFF" in said or "rare kind of BMP" in said
    assert "damaged" not in said
    assert capfd.readouterr() == ("", "")


def test_a_tiff_that_is_cut_shows_what_is_there() -> None:
    photo = opened(tiff(np.full((100, 8, 3), 200, np.uint8), {}, cut=960))
    assert photo.pixels[10, 4].tolist() == [200, 200, 200]
    assert cut_note(photo) == pytest.approx(40, abs=8)  # the tags stand where rows should be


def test_a_tiff_of_an_ordinary_kind_that_can_t_be_unpacked_is_damaged() -> None:
    data = encode(Image.fromarray(NOISE), "TIFF", compression="tiff_deflate")
    for start in (200, 20_000):
        wrong = data[:start] + bytes(800) + data[start + 800 :]
        assert "damaged or cut short" in refused(wrong, "a.tif")


def test_the_preview_in_a_raw_photo_is_not_taken_for_it() -> None:
    assert "RAW" in refused(tiff(RED_TIFF, {50706: 257}), "a.tif")
    assert "NEF" in refused(tiff(RED_TIFF, {}), "DSC_1.NEF")


@pytest.mark.parametrize(
    ("bits", "packing", "masks", "pixel"),
    [
        (16, 3, (0xF00, 0xF0, 0xF), 0xF00),
        (16, 3, (0x7C00, 0x3E0, 0x1F), 0x7C00),
        (16, 3, (0xF800, 0x7E0, 0x1F), 0xF800),
        (16, 0, (), 0x7C00),
        (32, 3, (0xFF, 0xFF00, 0xFF0000), 0xFF),
        (32, 0, (), 0xFF0000),
        (32, 6, (0xFF0000, 0xFF00, 0xFF, 0xFF000000), 0xFFFF0000),
    ],
)
def test_bitmaps_of_all_masks_are_red(
    bits: int, packing: int, masks: tuple[int, ...], pixel: int
) -> None:
    packed = struct.pack("<" + "HI"[bits // 32] * 64, *[pixel] * 64)
    table = struct.pack(f"<{len(masks)}I", *masks)
    data = bmp(packed, size=(8, 8), bits=bits, packing=packing, masks=table)
    assert looks(opened(data, "a.bmp"), (255, 0, 0), 8)


def test_a_bitmap_with_masks_in_its_header() -> None:
    packed, masks = struct.pack("<H", 0xF00) * 64, struct.pack("<4I", 0xF00, 0xF0, 0xF, 0)
    data = bytearray(bmp(packed, size=(8, 8), bits=16, packing=3, masks=masks))
    data[14] = 56
    assert looks(opened(bytes(data), "a.bmp"), (255, 0, 0))


@pytest.mark.parametrize(("packing", "inside"), [(4, jpeg(colour=TEAL)), (5, png())])
def test_a_bitmap_may_hold_a_jpeg_or_a_png(packing: int, inside: bytes) -> None:
    assert looks(opened(bmp(inside, size=(8, 8), bits=0, packing=packing), "a.bmp"), TEAL)


@pytest.mark.parametrize(
    "kind", ["ICO", "ICNS", "JPEG2000", "TGA", "QOI", "DDS", "PCX", "SGI", "DIB"]
)
def test_pictures_of_other_programs_open(kind: str) -> None:
    data = encode(Image.new("RGB", (64, 64), TEAL), kind)
    assert looks(opened(data, "a.tga"), TEAL)


@pytest.mark.parametrize("merged", [True, False])
def test_a_psd_opens_if_its_layers_were_put_together_in_it(merged: bool) -> None:
    head = b"8BPS\0\1" + bytes(6) + struct.pack(">HIIHH", 3, 8, 8, 8, 3) + bytes(4)
    version = struct.pack(">4sHHI", b"8BIM", 1057, 0, 6) + struct.pack(">I?B", 1, merged, 0)
    planes = b"".join(bytes((value,)) * 64 for value in TEAL)
    data = head + struct.pack(">I", len(version)) + version + bytes(4) + b"\0\0" + planes
    if merged:
        assert looks(opened(data, "a.psd"), TEAL)
    else:
        assert "PSD" in refused(data, "a.psd")


def test_a_picture_that_is_transparent_everywhere_is_shown_if_there_is_one() -> None:
    red = opened(encode(Image.new("RGBA", (8, 8), (255, 0, 0, 0))))
    assert looks(red, (255, 0, 0))
    assert looks(opened(encode(Image.new("LA", (8, 8), (90, 0)))), (90, 90, 90))
    assert looks(opened(encode(Image.new("RGBA", (8, 8), (0, 0, 0, 0)))), (255, 255, 255))
    keyed = encode(Image.new("RGB", (8, 8), TEAL), transparency=TEAL)
    assert looks(opened(keyed), TEAL)


@pytest.mark.parametrize("size", [(30_000, 1), (1, 30_000), (20_000, 3), (4097, 1), (2, 9000)])
@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_red_strip_stays_red(size: tuple[int, int], kind: str) -> None:
    assert looks(opened(encode(Image.new("RGB", size, (255, 0, 0)), kind)), (255, 0, 0))


def zipped(*names: str, first: bytes = b"") -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in names:
            archive.writestr(name, first)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("data", "name", "word"),
    [
        (b"<!DOCTYPE html><html></html>", "a.jpg", "web page"),
        (b"\n\n<HTML><body>", "a.png", "web page"),
        ("\ufeff<html>".encode("utf-16-le"), "a.jpg", "web page"),
        (b"MIME-Version: 1.0\nContent-Type: multipart/related", "a.jpg", "web page"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "a.jpg", "SVG"),
        (b'<?xml version="1.0"?><!-- a --><svg:svg/>', "a.svg", "SVG"),
        (b"\x1f\x8b\x08\0", "a.svgz", "SVG"),
        (b"%PDF-1.7\n", "a.jpg", "PDF"),
        (b"%!PS-Adobe-3.0", "a.eps", "PostScript"),
        (b"8BPS\0\2", "a.psb", "PSB"),
        (b"gimp xcf v011", "a.xcf", "XCF"),
        (b"v/1\1", "a.exr", "EXR"),
        (b"PF\n2 2\n-1.0\n" + bytes(48), "a.pfm", "PFM"),
        (png().replace(b"\r\n", b"\n"), "a.png", "was changed on its way"),
        (b"#?RADIANCE\n", "a.hdr", "HDR"),
        (bytes(128) + b"DICM", "a.dcm", "DICOM"),
        (b"\xff\xd8\xff\xf7\0", "a.jls", "JPEG-LS"),
        (b"II\xbc\1", "a.jxr", "JPEG XR"),
        (b"FUJIFILMCCD-RAW ", "a.raf", "RAW"),
        (b"\0\0\0\x18ftypcrx ", "a.cr3", "RAW"),
        (b"II*\0\x10\0\0\0CR\2\0", "a.cr2", "RAW"),
        (b"IIU\0", "a.rw2", "RAW"),
        (b"IIRO", "a.orf", "RAW"),
        (zipped("word/document.xml"), "a.jpg", "Word"),
        (zipped("mimetype", first=b"application/x-krita"), "a.kra", "Krita"),
        (zipped("photo.jpg"), "a.jpg", "archive (ZIP)"),
        (b"Rar!\x1a\7", "a.jpg", "archive (RAR)"),
        (b"ID3\3", "a.jpg", "sound"),
        (b"MZ\x90\0", "a.jpg", "program"),
        (b"\0\5\x16\7\0\2\0\0Mac OS X", "._a.jpg", "Mac"),
        (bytes(5000), "a.jpg", "zeros"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a.jpg", "Git LFS"),
        ("这是文字".encode(), "a.jpg", "text"),
        (b"\x99\0\x12\x07 nothing known", "a.jpg", "not a picture"),
    ],
)
def test_what_is_no_picture_is_named(data: bytes, name: str, word: str) -> None:
    said = refused(data, name)
    assert word in said
    assert "damaged" not in said
    assert "ideo" not in said


def test_a_files_own_name_tells_what_the_first_bytes_do_not(tmp_path: Path) -> None:
    (tmp_path / "a.tga").write_bytes(encode(Image.new("RGB", (8, 8), TEAL), "TGA"))
    (photo,) = load_photos(tmp_path / "a.tga", CancelToken())
    assert looks(photo, TEAL)
    assert photo_from_bytes(encode(Image.new("RGB", (8, 8)), "BMP"), "a.tga").width == 8
