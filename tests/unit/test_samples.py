"""The sample photos: every one is listed with its author and licence, here and in NOTICE."""

from __future__ import annotations

import json
from pathlib import Path

from PIL import Image

from mmgpt_desktop.resources import resource_path

NOTICE = Path(__file__).resolve().parents[2] / "NOTICE"


def samples() -> list[dict[str, str]]:
    listed: list[dict[str, str]] = json.loads(
        resource_path("samples", "samples.json").read_text(encoding="utf-8")
    )
    return listed


def test_every_photo_is_listed_once() -> None:
    files = sorted(path.name for path in resource_path("samples").glob("*.jpg"))
    assert sorted(sample["path"] for sample in samples()) == files
    assert files


def test_every_photo_says_where_it_comes_from() -> None:
    for sample in samples():
        assert set(sample) == {"path", "title", "author", "licence", "source"}
        assert all(sample.values()), sample


def test_notice_credits_every_author() -> None:
    notice = " ".join(NOTICE.read_text(encoding="utf-8").split())
    for sample in samples():
        for fact in ("path", "author", "licence"):
            assert sample[fact] in notice, sample


def test_photos_are_small_and_open() -> None:
    for sample in samples():
        path = resource_path("samples", sample["path"])
        assert path.stat().st_size < 150_000
        with Image.open(path) as photo:
            photo.load()
            assert photo.mode == "RGB"
            assert max(photo.size) <= 1024
