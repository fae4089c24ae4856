"""What is damaged: whole files, ways to damage them, and how the product opens them."""

from __future__ import annotations

import io
import itertools
import json
import shutil
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
from PIL import Image

from tests.benchmarks.in_child import Limits
from tests.benchmarks.mutations import damaged, damaged_json


@dataclass(frozen=True)
class Kind:
    """`make` writes whole files or folders into a folder, `damage` makes one in a second place of
    one of those, and `open` does with it what the product does. All but `damage` run in processes
    of their own, so they may start what they like; `modules` are imported before."""

    make: Callable[[Path], None]
    damage: Callable[[Random, Path, Path], None]
    open: Callable[[Path], None]
    limits: Limits
    modules: tuple[str, ...]


def _make_sessions(folder: Path) -> None:
    from mmgpt_desktop.session.session_file import save_session
    from tests import sessions

    save_session(sessions.session(), folder / "whole.mmgpt")


def _damage_session(random: Random, whole: Path, case: Path) -> None:
    data = whole.read_bytes()
    if random.random() < 0.25:
        case.write_bytes(damaged(random, data))
        return
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    for _ in range(random.choice((1, 1, 2))):
        name = random.choice(("session.json", "session.json", "session.json", *members))
        if name == "session.json":
            members[name] = damaged_json(random, members[name])
        elif name.endswith(".png"):
            members[name] = damaged_png(random, members[name])
        else:
            members[name] = damaged(random, members[name])
    kinds = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", random.choices(kinds, (10, 10, 1, 1))[0]) as archive:
        for name, member in members.items():
            archive.writestr(name, member)
    again = packed.getvalue()
    case.write_bytes(damaged(random, again) if random.random() < 0.1 else again)


def _open_session(case: Path) -> None:
    """As the window does, and it paints each map."""
    from mmgpt_desktop.session.recent import describe
    from mmgpt_desktop.session.session_file import open_session
    from mmgpt_desktop.session.session_record import brought_back
    from mmgpt_desktop.ui.widgets.shown_photo import levels_of

    session = open_session(case)
    describe(session, case)
    for conversation in brought_back(session.conversations, itertools.count()):
        if conversation.photo is not None:
            levels_of(conversation.photo)
        for turn in conversation.turns:
            assert all(word.bare for word in turn.words if word.text.strip())
            _paint(turn)


def _paint(turn: object) -> None:
    from mmgpt_desktop.attention.answer_maps import attention_maps
    from mmgpt_desktop.attention.heatmap import MapStyle, render
    from mmgpt_desktop.attention.raw import cell_weights
    from mmgpt_desktop.conversation import Turn

    assert isinstance(turn, Turn)
    drawn = [(found.weights.mean(axis=0), found.grid) for found in turn.maps]
    if turn.model is not None and (maps := attention_maps(turn.steps)):
        heads = turn.model.fusion_info(turn.fusion).head_choice.heads
        drawn.append((cell_weights(maps, heads), maps[0].grid))
    for cells, grid in drawn:
        render(cells, grid, MapStyle(), (64, 48))
    for each in turn.checks:
        assert each.check.verdict


def _make_bundles(folder: Path) -> None:
    from tests.tiny_bundle import make_tiny_bundle

    make_tiny_bundle(folder / "whole")


def _damage_bundle(random: Random, whole: Path, case: Path) -> None:
    """Half of the time the manifest's check sums are made to fit, so that more is read."""
    from tests.tiny_bundle import entry

    shutil.copytree(whole, case)
    files = sorted(path for path in case.iterdir() if path.is_file())
    victim = random.choice((case / "manifest.json", *files))
    if random.random() < 0.05:
        victim.unlink()
    elif victim.suffix == ".json":
        victim.write_bytes(damaged_json(random, victim.read_bytes()))
    elif victim.suffix == ".safetensors" and random.random() < 0.7:
        victim.write_bytes(_damaged_tensors(random, victim.read_bytes()))
    else:
        victim.write_bytes(damaged(random, victim.read_bytes()))
    if victim.name != "manifest.json" and victim.exists() and random.random() < 0.7:
        manifest = json.loads((case / "manifest.json").read_text(encoding="utf-8"))
        if victim.name in manifest["files"]:
            manifest["files"][victim.name] = entry(victim)
            (case / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


def _damaged_tensors(random: Random, data: bytes) -> bytes:
    """The header alone, with its length put right."""
    length = struct.unpack_from("<Q", data)[0]
    header = damaged_json(random, data[8 : 8 + length])
    return struct.pack("<Q", len(header)) + header + data[8 + length :]


def _open_bundle(case: Path) -> None:
    """It is loaded and asked for a few words."""
    from mmgpt_desktop.cancel import CancelToken
    from mmgpt_desktop.engine.open_engine import open_engine
    from mmgpt_desktop.imaging.images import photo_of
    from mmgpt_desktop.messages import GenerationRequest, Message, RuntimeName, Sampling

    engine = open_engine(case, RuntimeName.ONNX_CPU)
    try:
        engine.load()
        photo = photo_of(np.full((32, 32, 3), 99, np.uint8), "x")
        asked = (Message("user", "What colour is it?"),)
        request = GenerationRequest(1, (photo,), asked, Sampling(max_new_tokens=3))
        outcome = engine.generate(request, CancelToken(), lambda _step: None)
        if outcome.error is not None:
            raise outcome.error
    finally:
        engine.close()


_PROFILE = """
title = "Open day"
language = "en"
questions = ["What is this?", 'Who is "there"?']
[brand]
logo = "logo.png"
colour = "#1f6feb"
link = "https://example.org/a"
[[samples]]
photo = "logo.png"
questions = ["What is one?"]
[model]
fusion = "graph"
[show]
idle_s = 60
speed = 1.5
[lock]
chord = "Ctrl+Alt+Q"
drop = true
[limits]
question_chars = 100
[souvenir]
page = true
port = 8080
address = "192.168.7.1"
[numbers]
file = "numbers.csv"
texts = true
"""


_ODD_TOML = (
    *('"', "[", "{a = 1}", "9" * 5000, "nan", "-1", "'''", "1979-05-27", '["x"]'),
    *('"\\u0000"', "true", "0x" + "f" * 900, "1e999", '"' + "x" * 9000 + '"', "[[1]]"),
)


def _make_profiles(folder: Path) -> None:
    (folder / "whole.toml").write_text(_PROFILE, encoding="utf-8")


def _damage_profile(random: Random, whole: Path, case: Path) -> None:
    lines = whole.read_text(encoding="utf-8").splitlines()
    for _ in range(random.choice((1, 2, 4))):
        at = random.randrange(len(lines))
        name, _, value = lines[at].partition(" = ")
        odd = random.choice(_ODD_TOML)
        lines[at : at + 1] = random.choice(
            (
                [f"{name} = {odd}"],
                [f"{'a.' * random.choice((1, 9, 20_000))}{lines[at]}"],
                [f"{name} = {'[' * random.choice((2, 50_000))}{value}"],
                [lines[at]] * random.choice((2, 5000)),
                [f"[{name or 'x'}.{'y.' * 7}z]", lines[at]],
                [],
            )
        )
        lines = lines or [""]
    text = "\n".join(lines).encode()
    case.write_bytes(damaged(random, text) if random.random() < 0.4 else text)
    Image.new("RGB", (8, 8)).save(case.parent / "logo.png")


def _open_profile(case: Path) -> None:
    from mmgpt_desktop.event.profile import read_profile

    read_profile(case)


def _make_pictures(folder: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (24, 32, 3)).astype(np.uint8)
    image = Image.fromarray(pixels)
    for name in ("jpg", "png", "gif", "webp", "bmp", "tif", "ppm", "avif", "jp2", "tga", "ico"):
        image.save(folder / f"whole.{name}")
    exif = Image.Exif()
    exif[274] = 6
    image.save(folder / "turned.jpg", exif=exif, progressive=True)
    image.convert("CMYK").save(folder / "cmyk.tif", compression="tiff_lzw")
    Image.fromarray(pixels[..., 0].astype(np.uint16) * 200).save(folder / "deep.png")
    image.convert("P").save(folder / "palette.png")
    frames = [Image.fromarray(np.roll(pixels, step, axis=1)) for step in range(4)]
    for name in ("gif", "png", "webp"):
        frames[0].save(folder / f"moving.{name}", save_all=True, append_images=frames[1:])
    from tests.clips import write_video

    write_video(folder / "clip.mp4", 6)


def damaged_png(random: Random, data: bytes) -> bytes:
    """Half of the time chunk by chunk, with their check sums put right."""
    if random.random() < 0.5 or not data.startswith(b"\x89PNG"):
        return damaged(random, data)
    chunks, at = [], 8
    while at + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        chunks.append((kind, data[at + 8 : at + 8 + length]))
        at += 12 + length
    place = random.randrange(len(chunks))
    kind, body = chunks[place]
    chunks[place] = kind, damaged(random, body)
    if random.random() < 0.2:
        chunks.insert(place, random.choice(chunks))
    packed = (
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )
    return data[:8] + b"".join(packed)


def _damage_picture(random: Random, whole: Path, case: Path) -> None:
    others = sorted(whole.parent.iterdir())
    data, other = whole.read_bytes(), random.choice(others).read_bytes()
    png = whole.suffix == ".png"
    case.write_bytes(damaged_png(random, data) if png else damaged(random, data, other))


def _open_picture(case: Path) -> None:
    from mmgpt_desktop.cancel import CancelToken
    from mmgpt_desktop.ui.pictures.load_photo import open_file

    open_file(case, CancelToken())


_ENGINE = ("mmgpt_desktop.engine.open_engine", "mmgpt_desktop.engine.bundle_engine", "onnxruntime")
_WINDOW = (
    "mmgpt_desktop.session.session_record",
    "mmgpt_desktop.ui.pictures.load_photo",
    "mmgpt_desktop.imaging.clips",
)
_PROFILES = ("mmgpt_desktop.event.profile", *_ENGINE)

KINDS = {
    "session": Kind(_make_sessions, _damage_session, _open_session, Limits(10, 400), _WINDOW),
    "bundle": Kind(_make_bundles, _damage_bundle, _open_bundle, Limits(30, 1000), _ENGINE),
    "profile": Kind(_make_profiles, _damage_profile, _open_profile, Limits(10, 200), _PROFILES),
    "picture": Kind(_make_pictures, _damage_picture, _open_picture, Limits(15, 1000), _WINDOW),
}
