"""Videos and animations as evenly spread frames."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from PIL import Image

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.errors import Cancelled, ImageError
from mmgpt_desktop.imaging import clips, video
from mmgpt_desktop.imaging.clips import FRAMES, load_photos, photos_from_bytes
from mmgpt_desktop.imaging.video import spread, video_format
from mmgpt_desktop.messages import Photo
from tests.clips import SIZE, shade, write_animation, write_sound, write_video


def load(path: Path, count: int = FRAMES) -> tuple[Photo, ...]:
    return load_photos(path, CancelToken(), count)


def seconds(photos: tuple[Photo, ...]) -> list[float]:
    return [round(photo.moment.seconds, 2) for photo in photos if photo.moment is not None]


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("a.mp4", "mpeg4"),
        ("a.mov", "mpeg4"),
        ("a.mkv", "mpeg4"),
        ("a.avi", "mpeg4"),
        ("a.webm", "libvpx"),
        ("a.wmv", "wmv2"),
    ],
)
def test_a_video_gives_evenly_spread_frames(tmp_path: Path, name: str, codec: str) -> None:
    photos = load(write_video(tmp_path / name, 40, codec=codec))
    assert len(photos) == FRAMES
    assert seconds(photos) == pytest.approx([0.25 + 0.5 * place for place in range(8)], abs=0.11)
    for photo, second in zip(photos, seconds(photos), strict=True):
        assert (photo.width, photo.height) == SIZE
        assert photo.pixels[30, 40, 0] == pytest.approx(shade(round(second * 10), 40), abs=6)
        assert not photo.pixels.flags.writeable
    assert len({photo.moment.clip for photo in photos if photo.moment}) == 1
    assert photos[0].name == name


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.png"])
def test_an_animation_does_too(tmp_path: Path, name: str) -> None:
    photos = load(write_animation(tmp_path / name, 16), 4)
    assert seconds(photos) == [0.2, 0.6, 1.0, 1.4]
    shades = [int(photo.pixels[30, 40, 0]) for photo in photos]
    assert shades == pytest.approx([shade(place, 16) for place in (2, 6, 10, 14)], abs=4)
    assert photos[0].notes == ()


def test_a_short_one_gives_all_its_frames(tmp_path: Path) -> None:
    assert len(load(write_animation(tmp_path / "a.gif", 3))) == 3
    assert len(load(write_video(tmp_path / "a.mp4", 3))) == 3


def test_what_does_not_move_is_a_photo(tmp_path: Path) -> None:
    Image.new("RGB", (20, 10), "red").save(tmp_path / "still.gif")
    (photo,) = load(tmp_path / "still.gif")
    assert photo.moment is None
    first = Image.new("P", (20, 10), 1)
    second = first.copy()
    first.save(tmp_path / "same.gif", save_all=True, append_images=[second], duration=[10, 20])
    (photo,) = load(tmp_path / "same.gif")
    assert photo.moment is None


def test_pages_are_still_pages(tmp_path: Path) -> None:
    pages = [Image.new("RGB", (16, 16), colour) for colour in ("red", "blue")]
    pages[0].save(tmp_path / "pages.tiff", save_all=True, append_images=pages[1:])
    (photo,) = load(tmp_path / "pages.tiff")
    assert [*map(str, photo.notes)] == ["Only the first of its 2 pages is used."]


@pytest.mark.parametrize("kind", ["webp", "png"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_animation_is_upright(tmp_path: Path, kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    frames = [Image.new("L", (40, 20), shade) for shade in (60, 160)]
    for frame in frames:
        frame.paste(255, (0, 0, 20, 10))
    path = tmp_path / f"a.{kind}"
    frames[0].convert("RGB").save(
        path, save_all=True, append_images=[frames[1].convert("RGB")], exif=exif, duration=100
    )
    photos = load(path)
    assert len(photos) == 2
    for photo in photos:
        assert (photo.width, photo.height) == ((40, 20) if orientation < 5 else (20, 40))
        corners = photo.pixels[[3, 3, -4, -4], [3, -4, 3, -4], 0] > 220
        lit = {1: 0, 2: 1, 3: 3, 4: 2, 5: 0, 6: 1, 7: 3, 8: 2}[orientation]
        assert corners.tolist() == [place == lit for place in range(4)]


@pytest.mark.parametrize("name", ["a.gif", "a.png", "a.webp"])
@pytest.mark.parametrize("kept", [0.3, 0.6, 0.9])
def test_of_an_animation_with_a_bad_frame_the_others_are_shown(
    tmp_path: Path, name: str, kept: float
) -> None:
    data = write_animation(tmp_path / name, 20).read_bytes()
    photos = photos_from_bytes(data[: int(len(data) * kept)], name, CancelToken())
    assert len(photos) == pytest.approx(min(FRAMES, 20 * kept), abs=2)
    shades = [int(photo.pixels[30, 40, 0]) for photo in photos]
    assert shades == sorted(shades)
    assert shades[-1] == pytest.approx(250 * kept, abs=40)


def test_of_a_webp_with_a_frame_that_is_none_the_ones_before_are_shown(tmp_path: Path) -> None:
    data = write_animation(tmp_path / "a.webp", 6).read_bytes()
    places = [place for place in range(len(data)) if data[place : place + 4] == b"ANMF"]
    for bad, good in ((4, 4), (1, 1)):
        wrong = data[: places[bad] + 24] + bytes(20) + data[places[bad] + 44 :]
        photos = photos_from_bytes(wrong, "a.webp", CancelToken())
        assert len(photos) == good
        (note,) = photos[0].notes
        assert "first" in str(note)
        assert "of its 6 frames" in str(note)


def test_of_an_apng_whose_frames_are_numbered_wrong_the_good_ones_are_shown(tmp_path: Path) -> None:
    data = write_animation(tmp_path / "a.png", 6).read_bytes()
    places = [place for place in range(len(data)) if data[place : place + 4] == b"fcTL"]
    for place, good in ((places[0], 1), (places[1], 1), (places[4], 4)):
        wrong = data[: place + 7] + b"\x63" + data[place + 8 :]
        assert len(photos_from_bytes(wrong, "a.png", CancelToken())) == good


def test_the_still_of_an_apng_that_is_no_frame_of_it_is_for_others(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "lime", "blue")]
    path = tmp_path / "a.png"
    frames[0].save(path, save_all=True, append_images=frames[1:], default_image=True)
    assert [tuple(photo.pixels[4, 4]) for photo in load(path)] == [(0, 255, 0), (0, 0, 255)]


def test_what_is_pasted_may_move_as_well(tmp_path: Path) -> None:
    data = write_animation(tmp_path / "a.gif").read_bytes()
    photos = photos_from_bytes(data, "Pasted picture", CancelToken())
    assert len(photos) == FRAMES
    assert photos[0].name == "Pasted picture"


def test_a_phones_video_is_turned_upright(tmp_path: Path) -> None:
    """A matrix in the header says how it was held: here, to be turned clockwise."""
    path = write_video(tmp_path / "a.mp4")
    one = 0x10000
    level = struct.pack(">9i", one, 0, 0, 0, one, 0, 0, 0, 1 << 30)
    turned = struct.pack(">9i", 0, one, 0, -one, 0, 0, 0, 0, 1 << 30)
    data = path.read_bytes()
    at = data.index(level, data.index(b"tkhd"))
    path.write_bytes(data[:at] + turned + data[at + len(level) :])
    photo = load(path)[-1]
    assert (photo.height, photo.width) == SIZE
    assert photo.pixels[4, -4, 0] < 40  # the dark square went from the left to the right
    assert photo.pixels[4, 4, 0] > 150


def test_large_frames_are_made_smaller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(video, "LONG_SIDE", 32)
    monkeypatch.setattr(clips, "LONG_SIDE", 32)
    for path in (write_video(tmp_path / "a.mp4"), write_animation(tmp_path / "a.gif")):
        assert {(photo.width, photo.height) for photo in load(path)} == {(32, 24)}


def test_a_video_without_a_length_is_read_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(video, "length_of", lambda _container, _stream: 0.0)
    photos = load(write_video(tmp_path / "a.mp4", 40))
    assert len(photos) == FRAMES
    gaps = [after - before for before, after in zip(seconds(photos), seconds(photos)[1:])]  # noqa: B905
    assert max(gaps) < 0.9
    assert seconds(photos)[0] < 0.6
    assert seconds(photos)[-1] > 3.2


def outcome(path: Path) -> int | str:
    """How many frames there are, or which file the error names."""
    try:
        return len(load(path))
    except ImageError as error:
        return str(error.values["name"])


@pytest.mark.parametrize("cut", [0.02, 0.3, 0.7])
def test_damaged_videos_are_sentences_or_what_is_left(tmp_path: Path, cut: float) -> None:
    for name in ("a.mp4", "a.mkv", "a.avi", "a.webm"):
        codec = "libvpx" if name == "a.webm" else "mpeg4"
        data = write_video(tmp_path / name, codec=codec).read_bytes()
        (tmp_path / name).write_bytes(data[: int(len(data) * cut)])
        assert outcome(tmp_path / name) in (*range(1, FRAMES + 1), name)


def test_what_is_no_video_is_a_sentence(tmp_path: Path) -> None:
    fakes = {
        "noise.mp4": b"\x00\x00\x00\x18ftypisom" + bytes(range(256)) * 40,
        "playlist.mp4": b"#EXTM3U\nfile:///etc/passwd\n",
        "text.avi": b"RIFF\x00\x00\x00\x00AVI LIST" + b"x" * 500,
    }
    for name, data in fakes.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(ImageError, match=name):
            load(tmp_path / name)


def test_sound_alone_has_no_pictures(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="no moving pictures in"):
        load(write_sound(tmp_path / "a.mkv"))


def test_endless_ones_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(video, "MOST_DECODED", 10)
    monkeypatch.setattr(clips, "MOST_FRAMES", 10)
    with pytest.raises(ImageError, match="too long or too large"):
        load(write_video(tmp_path / "a.mp4"))
    with pytest.raises(ImageError, match="20 frames, and 10 is the most"):
        load(write_animation(tmp_path / "a.gif", 20))


def test_frames_without_end_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(video, "MAX_PIXELS", 1000)
    monkeypatch.setattr(clips, "MOST_PIXELS", 1000)
    with pytest.raises(ImageError, match=r"a\.mp4"):
        load(write_video(tmp_path / "a.mp4"))
    with pytest.raises(ImageError, match="too large: 64 x 48 pixels"):
        load(write_animation(tmp_path / "a.gif"))


@pytest.mark.parametrize("which", [0, 1])
def test_a_gif_whose_frame_lies_far_outside_is_refused(tmp_path: Path, which: int) -> None:
    """It would be 65 by 65 thousand pixels, before anything of it is decoded."""
    data = bytearray(write_animation(tmp_path / "a.gif", 3).read_bytes())
    at = data.index(b"\x2c\x00\x00")
    if which:
        at = data.index(b"\x2c", data.index(b"\x21\xf9", at))
    data[at + 1 : at + 9] = b"\xff\xff\xff\xff\xff\x00\xff\x00"
    (tmp_path / "a.gif").write_bytes(data)
    with pytest.raises(ImageError, match="too large: 65790 x 65790 pixels"):
        load(tmp_path / "a.gif")


def test_reading_can_be_cancelled(tmp_path: Path) -> None:
    cancel = CancelToken()
    cancel.cancel()
    for path in (write_video(tmp_path / "a.mp4"), write_animation(tmp_path / "a.gif")):
        with pytest.raises(Cancelled):
            load_photos(path, cancel)


def test_without_the_package_videos_are_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_video(tmp_path / "a.mp4")
    monkeypatch.setitem(__import__("sys").modules, "av", None)
    with pytest.raises(ImageError, match="package av is missing"):
        load(path)


def test_formats_are_known_by_their_first_bytes() -> None:
    assert video_format(b"\x00\x00\x00\x20ftypisom") == "mov"
    assert video_format(b"\x00\x00\x00\x20ftypavif") == ""  # a picture
    assert video_format(b"RIFF\x00\x00\x00\x00WEBP") == ""
    assert video_format(b"\x1aE\xdf\xa3") == "matroska"
    assert video_format(b"") == ""


@pytest.mark.parametrize(("items", "count"), [(3, 8), (8, 8), (9, 8), (100, 8), (1, 1)])
def test_a_spread_is_even(items: int, count: int) -> None:
    chosen = spread(range(items), count)
    assert len(chosen) == min(items, count)
    assert chosen == sorted(set(chosen))
    if items > count:
        assert abs(chosen[0] - (items - 1 - chosen[-1])) <= 1
