from __future__ import annotations

import io
import itertools
import json
import os
import re
import struct
import time
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.conversation import Conversation, WordCheck
from mmgpt_desktop.errors import AppError, Cancelled, SessionError
from mmgpt_desktop.imaging import images
from mmgpt_desktop.messages import Photo
from mmgpt_desktop.session import session_file as files
from mmgpt_desktop.session.archive import open_archive
from mmgpt_desktop.session.recent import (
    MOST,
    RecentSession,
    describe,
    forget,
    matches,
    read_recent,
    remember,
)
from mmgpt_desktop.session.session_file import open_session, save_session
from mmgpt_desktop.session.session_record import Session, brought_back
from tests import sessions
from tests.records import MODEL

Change = Callable[[dict[str, Any]], None]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "a session.mmgpt"
    save_session(sessions.session(), path)
    return path


def members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rewrite(path: Path, parts: dict[str, bytes], kind: int = zipfile.ZIP_STORED) -> None:
    with zipfile.ZipFile(path, "w", kind) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)


def change(path: Path, how: Change) -> None:
    parts = members(path)
    stored = json.loads(parts["session.json"])
    how(stored)
    rewrite(path, {**parts, "session.json": json.dumps(stored).encode()})


def sentence(path: Path) -> str:
    """Of the failure; it is whole, and the file stays as it was."""
    before = path.read_bytes() if path.is_file() else None
    folder = sorted(path.parent.iterdir())
    with pytest.raises(SessionError) as caught:
        open_session(path)
    assert sorted(path.parent.iterdir()) == folder
    assert before is None or path.read_bytes() == before
    return str(caught.value)


# 1969, 1970, 1980, and 2108: a zip has no date before 1980 or after 2107.
CLOCKS = (-1, 0, 315_532_799, 4_354_819_200)


@pytest.mark.parametrize("seconds", CLOCKS)
def test_a_session_is_saved_whatever_the_clock_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: int
) -> None:
    then = time.gmtime(seconds)
    monkeypatch.setattr(time, "localtime", lambda *_: then)
    save_session(sessions.session(), tmp_path / "clock.mmgpt")
    assert open_session(tmp_path / "clock.mmgpt").draft == sessions.session().draft


def test_all_comes_back(path: Path) -> None:
    wanted, found = sessions.session(), open_session(path)
    assert (found.current, found.draft) == (1, "half a quest")
    assert [len(each.turns) for each in found.conversations] == [1, 2, 0]
    photo, turn = found.conversations[1].photo, found.conversations[1].turns[1]
    expected, known = wanted.conversations[1].turns[1], wanted.conversations[1].photo
    assert photo is not None
    assert known is not None
    assert (photo.name, photo.notes) == (known.name, known.notes)
    assert np.array_equal(photo.pixels, known.pixels)
    assert turn.request.images == (photo,)
    assert replace(turn.request, images=()).messages == expected.request.messages
    assert (turn.request.sampling, turn.request.fusion) == (expected.request.sampling, "graph")
    assert (turn.answer, turn.unsure, turn.model) == ("A red ball", True, MODEL)
    assert [step.token_id for step in turn.steps] == [40, 41, 42]
    for step, other in zip(turn.steps, expected.steps, strict=True):
        assert step.attention is not None
        assert other.attention is not None
        assert step.attention.grid == other.attention.grid
        assert step.attention.weights.dtype == np.float16
        assert np.array_equal(step.attention.weights, other.attention.weights)
        assert not step.attention.weights.flags.writeable
    assert np.array_equal(turn.maps[0].weights, expected.maps[0].weights, equal_nan=True)
    assert turn.checks[0].check == expected.checks[0].check
    assert turn.checks[0].heads == ((0, 1), (1, 2))


def test_how_a_picture_was_drawn_comes_back(path: Path) -> None:
    wanted, found = sessions.drawing(), open_session(path).conversations[2].drawing
    assert found is not None
    assert (found.prompt, found.seed, found.painter, found.words) == (
        *(wanted.prompt, wanted.seed, wanted.painter),
        wanted.words,
    )
    assert np.array_equal(found.maps, wanted.maps)
    assert found.left_out is not None
    assert (found.left_out.word, found.left_out.ratio) == ("big", 1.5)
    (again,) = brought_back([Conversation(sessions.photo(), drawing=found)], itertools.count(1))
    assert again.drawing is found


SPOILT_DRAWINGS: list[Callable[[dict[str, Any]], object]] = [
    lambda drawing: drawing["words"].pop(),
    lambda drawing: drawing["maps"].update(shape=[2, 4]),
    lambda drawing: drawing["maps"].update(shape=[2, 0, 0]),
    lambda drawing: drawing["words"][0].update(stop=99),
    lambda drawing: drawing["words"][0].update(start=-1),
    lambda drawing: drawing["left_out"]["change"].update(shape=[4, 1]),
    lambda drawing: drawing.update(painter="p" * 5001),
    lambda drawing: drawing.update(seed=-1),
    lambda drawing: drawing.update(seed=10**10),
    lambda drawing: drawing.update(prompt="a red rose" + "x" * 10_000),
    lambda drawing: drawing["left_out"].update(ratio=1e300),
    lambda drawing: drawing["left_out"].update(word="w" * 201),
    lambda drawing: drawing["words"][0].update(text="w" * 201),
]


@pytest.mark.parametrize("spoil", SPOILT_DRAWINGS)
def test_a_drawing_whose_parts_do_not_fit_is_refused(
    path: Path, spoil: Callable[[dict[str, Any]], object]
) -> None:

    def how(stored: dict[str, Any]) -> None:
        spoil(stored["session"]["conversations"][2]["drawing"])

    change(path, how)
    assert "damaged" in sentence(path)


def test_a_drawing_without_a_picture_is_refused(path: Path) -> None:
    def move(stored: dict[str, Any]) -> None:
        first, *_, last = stored["session"]["conversations"]
        first["drawing"] = last["drawing"]

    change(path, move)
    assert "damaged" in sentence(path)


def test_a_check_of_what_is_no_word_today_is_left_out() -> None:
    """Older versions took a Chinese answer for one word."""
    photo = sessions.photo()
    (kept,) = sessions.turn(photo).checks
    whole = WordCheck(replace(kept.check, start=0, stop=3), 0)
    old = replace(sessions.turn(photo), checks=(kept, whole))
    (opened,) = brought_back([Conversation(photo, [old])], itertools.count(1))
    assert opened.turns[0].checks == (kept,)


def test_how_it_ended_comes_back_in_words(path: Path) -> None:
    outcome = open_session(path).conversations[1].turns[0].outcome
    assert outcome is not None
    assert (outcome.kind, outcome.certainty) == ("failed", 0.7)
    said, counted = outcome.notes
    assert (str(said), counted.values) == ("A {note}.", {"count": 2})
    assert outcome.error is not None
    assert (outcome.error.title, outcome.error.hint) == ("It broke.", "Try {again}.")
    assert outcome.runtime is not None
    assert str(outcome.runtime.note) == "It fell back."


def test_a_photo_is_in_the_file_once(path: Path) -> None:
    assert sorted(members(path)) == [
        "arrays.bin",
        "photos/0.png",
        "photos/1.png",
        "session.json",
    ]


def test_what_stood_there_stays_when_saving_breaks(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = path.read_bytes()

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(AppError, match="No space left"):
        save_session(sessions.session(), path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("limit", ["MOST_BYTES", "MOST_DECODED"])
def test_a_session_too_large_to_open_is_not_saved(
    path: Path, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    before = path.read_bytes()
    monkeypatch.setattr(files, limit, 100)
    with pytest.raises(SessionError, match="too large"):
        save_session(sessions.session(), path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("part", [0.02, 0.3, 0.6, 0.9, 0.999])
def test_a_truncated_file_is_one_sentence(path: Path, part: float) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * part)])
    assert "damaged or cut short" in sentence(path)


@pytest.mark.parametrize("content", [b"", b"PNG", b"\x89PNG\r\n\x1a\n", b'{"format": 1}'])
def test_another_file_is_no_session(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    assert "no session of this program" in sentence(path)


@pytest.mark.parametrize("parts", [{"a.txt": b"x"}, {"session.json": b"[]"}])
def test_another_zip_is_no_session(path: Path, parts: dict[str, bytes]) -> None:
    rewrite(path, parts)
    assert "no session of this program" in sentence(path)


def test_a_newer_format_says_so(path: Path) -> None:
    change(path, lambda stored: stored.update(format=2, session="something else"))
    assert "newer version" in sentence(path)


def test_changed_bytes_are_noticed(path: Path) -> None:
    data = bytearray(path.read_bytes())
    at = data.index(members(path)["arrays.bin"][:64]) + 10
    data[at] ^= 0xFF
    path.write_bytes(data)
    assert "damaged" in sentence(path)


def test_a_zip_bomb_is_not_unpacked(path: Path) -> None:
    parts = members(path)
    rewrite(path, {**parts, "arrays.bin": bytes(80 << 20)}, zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 1 << 20
    assert "fill the memory" in sentence(path)


@pytest.mark.parametrize("kind", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_what_unpacks_without_bounds_is_refused(path: Path, kind: int) -> None:
    rewrite(path, members(path), kind)
    assert "damaged" in sentence(path)


def test_what_others_packed_again_opens(path: Path) -> None:
    rewrite(path, members(path), zipfile.ZIP_DEFLATED)
    assert len(open_session(path).conversations) == 3


@pytest.mark.parametrize("said", [0, 10, 1 << 40])
@pytest.mark.parametrize("name", ["session.json", "arrays.bin", "photos/0.png"])
def test_a_member_that_lies_about_its_size_is_refused(path: Path, name: str, said: int) -> None:
    """The list of members says it, and what stands before the member."""
    data, size = bytearray(path.read_bytes()), struct.Struct("<L")
    true, before, listed = len(members(path)[name]), b"PK\x03\x04", b"PK\x01\x02"
    for mark, at_size, at_name in ((before, 22, 30), (listed, 24, 46)):
        at = next(at for at in found(data, mark) if data[at + at_name :].startswith(name.encode()))
        assert size.unpack_from(data, at + at_size) == (true,)
        size.pack_into(data, at + at_size, min(said, 2**32 - 2))
    path.write_bytes(data)
    assert any(each in sentence(path) for each in ("damaged", "fill the memory"))


def found(data: bytearray, mark: bytes) -> list[int]:
    return [match.start() for match in re.finditer(re.escape(mark), data)]


def test_a_member_never_gives_more_than_it_declares(path: Path) -> None:
    """A deflated one whose declared size and check sum fit its first bytes alone."""
    parts = members(path)
    text = parts.pop("session.json")
    rewrite(path, {**parts, "session.json": text + bytes(1 << 20)}, zipfile.ZIP_DEFLATED)
    data = bytearray(path.read_bytes())
    for mark, at_check, at_name in ((b"PK\x03\x04", 14, 30), (b"PK\x01\x02", 16, 46)):
        places = found(data, mark)
        at = next(at for at in places if data[at + at_name :].startswith(b"session.json"))
        struct.pack_into("<L", data, at + at_check, zlib.crc32(text))
        struct.pack_into("<L", data, at + at_check + 8, len(text))
    path.write_bytes(data)
    with open_archive(path) as archive:
        assert archive.read("session.json") == text


def test_more_members_than_a_session_has_are_refused(path: Path) -> None:
    rewrite(path, {**members(path), **{f"{number}": b"" for number in range(3000)}})
    assert "damaged" in sentence(path)


def test_a_list_of_members_that_would_fill_the_memory_is_not_read(path: Path) -> None:
    rewrite(path, {**members(path), **{"x" * 60_000 + f"{number}": b"" for number in range(20)}})
    assert "damaged" in sentence(path)


@pytest.mark.parametrize("piece", [b"[],", b'{"":0},', b'[{"":[[]]}],', b'"",'])
def test_small_text_that_unpacks_to_millions_of_values_is_refused(path: Path, piece: bytes) -> None:
    text = b"[" + piece * 2_000_000 + b"0]"
    rewrite(path, {**members(path), "session.json": text}, zipfile.ZIP_DEFLATED)
    assert "fill the memory" in sentence(path)


def test_pictures_are_known_to_fit_before_one_is_decoded(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[str] = []
    monkeypatch.setattr(images, "photo_from_bytes", lambda _data, name: decoded.append(name))
    stream = io.BytesIO()
    Image.new("RGB", (4096, 4096)).save(stream, "PNG")
    parts, many = members(path), {f"photos/{number}.png": stream.getvalue() for number in range(9)}
    stored = json.loads(parts["session.json"])
    stored["photos"] = [{"file": name, "name": "x", "notes": []} for name in many] * 2
    rewrite(path, {**parts, **many, "session.json": json.dumps(stored).encode()})
    assert "fill the memory" in sentence(path)
    assert decoded == []


def test_a_picture_named_several_times_is_decoded_once(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[str] = []

    wanted = images.photo_from_bytes

    def decode(data: bytes, name: str) -> Photo:
        decoded.append(name)
        return wanted(data, name)

    monkeypatch.setattr(images, "photo_from_bytes", decode)
    change(path, lambda stored: stored["photos"][1].update(file="photos/0.png"))
    first, second = (each.photo for each in open_session(path).conversations[1:])
    assert first is not None
    assert second is not None
    assert first.pixels is second.pixels
    assert (first.name, second.name) == ("猫 1.png", "猫 2.png")
    assert len(decoded) == 1


def test_a_session_of_even_pictures_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They shrink far more than any other when they are saved."""
    monkeypatch.setattr(files, "SOME_PICTURES", 0)
    photo = Photo(np.zeros((4096, 4096, 3), np.uint8), "even", "x")
    conversations = Conversation(None), Conversation(photo)
    save_session(Session(conversations), tmp_path / "even.mmgpt")
    assert len(open_session(tmp_path / "even.mmgpt").conversations) == 2


def test_a_picture_bomb_is_refused(path: Path) -> None:
    stream = io.BytesIO()
    Image.new("1", (20_000, 6_000)).save(stream, "PNG")
    rewrite(path, {**members(path), "photos/0.png": stream.getvalue()})
    assert "damaged" in sentence(path)


def test_one_small_picture_named_many_times_does_not_fill_the_memory(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "MOST_DECODED", 100_000)
    open_session(path)
    change(path, lambda stored: stored.update(photos=stored["photos"] * 400))
    assert "fill the memory" in sentence(path)


@pytest.mark.parametrize("name", ["../../evil.png", "/tmp/evil.png", "C:\\evil.png"])
def test_paths_lead_nowhere(path: Path, name: str) -> None:
    parts = members(path)
    stored = json.loads(parts["session.json"])
    stored["photos"][0]["file"] = name
    stored["photos"][0]["name"] = "a\nb\u202e"
    parts[name] = parts.pop("photos/0.png")
    rewrite(path, {**parts, "session.json": json.dumps(stored).encode()})
    before = sorted(path.parent.iterdir())
    found = open_session(path)
    assert found.conversations[1].photo is not None
    assert found.conversations[1].photo.name == "a\ufffdb\ufffd"
    assert sorted(path.parent.iterdir()) == before


def turn_of(stored: dict[str, Any]) -> dict[str, Any]:
    turn: dict[str, Any] = stored["session"]["conversations"][1]["turns"][0]
    return turn


def box_of(stored: dict[str, Any]) -> dict[str, Any]:
    box: dict[str, Any] = turn_of(stored)["maps"][0]["grid"]["box"]
    return box


def fusion_of(stored: dict[str, Any]) -> dict[str, Any]:
    fusion: dict[str, Any] = turn_of(stored)["model"]["fusions"][0]
    return fusion


def nest(attention: dict[str, Any]) -> None:
    attention["others"] = [{**attention, "others": [{**attention, "others": []}]}]


WRONG: dict[str, Change] = {
    "no session": lambda stored: stored.pop("session"),
    "no photos": lambda stored: stored.pop("photos"),
    "photos of text": lambda stored: stored.update(photos=["x"]),
    "no such photo": lambda stored: stored["session"]["conversations"][1].update(photo=9),
    "a negative photo": lambda stored: stored["session"]["conversations"][1].update(photo=-1),
    "a photo of text": lambda stored: stored["session"]["conversations"][1].update(photo="0"),
    "nothing in view": lambda stored: stored["session"].update(current=3),
    "True in view": lambda stored: stored["session"].update(current=True),
    "a draft of numbers": lambda stored: stored["session"].update(draft=5),
    "no steps": lambda stored: turn_of(stored).pop("steps"),
    "no question": lambda stored: turn_of(stored)["request"].update(messages=[]),
    "endless text": lambda stored: turn_of(stored)["steps"][0].update(text="x" * 300_000),
    "another role": lambda stored: turn_of(stored)["request"]["messages"][0].update(role="root"),
    "another ending": lambda stored: turn_of(stored)["outcome"].update(kind="exploded"),
    "another method": lambda stored: turn_of(stored)["maps"][0].update(method="magic"),
    "endless odds": lambda stored: turn_of(stored)["steps"][0].update(probability=float("inf")),
    "no odds": lambda stored: turn_of(stored)["steps"][0].update(probability=float("nan")),
    "a token beyond": lambda stored: turn_of(stored)["steps"][0].update(token_id=2**70),
    "another fusion": lambda stored: turn_of(stored)["request"].update(fusion="magic"),
    "a head beyond": lambda stored: turn_of(stored)["checks"][0].update(heads=[[0, 9]]),
    "half a head": lambda stored: turn_of(stored)["checks"][0].update(heads=[[0]]),
    "a word beyond": lambda stored: turn_of(stored)["checks"][0].update(word=99),
    "a check beyond": lambda stored: turn_of(stored)["checks"][0]["check"].update(stop=99),
    "an array beyond": lambda stored: turn_of(stored)["maps"][0]["weights"].update(at=10**9),
    "an array before": lambda stored: turn_of(stored)["maps"][0]["weights"].update(at=-16),
    "a vast array": lambda stored: turn_of(stored)["maps"][0]["weights"].update(shape=[10**15]),
    "another shape": lambda stored: turn_of(stored)["maps"][0]["weights"].update(shape=[1, 4, 4]),
    "no size": lambda stored: turn_of(stored)["maps"][0]["weights"].update(shape=[-1, -1]),
    "no rows": lambda stored: turn_of(stored)["maps"][0]["grid"].update(rows=0),
    "endless rows": lambda stored: turn_of(stored)["maps"][0]["grid"].update(rows=10**9),
    "a grid without width": lambda stored: box_of(stored).update(right=0),
    "a grid turned over": lambda stored: box_of(stored).update(top=90.0),
    "a grid far away": lambda stored: box_of(stored).update(right=1e300),
    "a vast photo": lambda stored: turn_of(stored)["maps"][0]["grid"].update(photo_width=10**6),
    "endless sizes": lambda stored: turn_of(stored)["maps"][0]["weights"].update(shape=[2] * 10**5),
    "sizes beyond": lambda stored: turn_of(stored)["maps"][0]["weights"].update(shape=[10**400]),
    "odds of 400 digits": lambda stored: turn_of(stored)["steps"][0].update(probability=10**400),
    "endless layers": lambda stored: fusion_of(stored).update(image_layers=10**9),
    "endless heads": lambda stored: fusion_of(stored).update(heads=2**50),
    "a chosen head beyond": lambda stored: fusion_of(stored)["head_choice"].update(heads=[[0, 9]]),
    "endless words on it": lambda stored: fusion_of(stored)["head_choice"].update(how="x" * 10**5),
    "endless beams": lambda stored: turn_of(stored)["request"]["sampling"].update(beams=10**9),
    "endless draws": lambda stored: turn_of(stored)["checks"][0]["check"].update(
        random=[0.5] * 2000
    ),
    "endless images": lambda stored: turn_of(stored)["request"].update(images=[0] * 2000),
    "maps in maps": lambda stored: nest(turn_of(stored)["steps"][0]["attention"]),
    "a photo without": lambda stored: stored["session"]["conversations"][0].update(photo=1),
    "none with a photo": lambda stored: stored["session"]["conversations"][2].update(photo=None),
    "a reply beside an answer": lambda stored: turn_of(stored)["outcome"].update(
        reply={"kind": "reading", "chinese": False}
    ),
    "an endless note": lambda stored: stored["photos"][0].update(notes=["x" * 10**5]),
    "endless notes": lambda stored: stored["photos"][0].update(notes=["x"] * 10**5),
    "another picture": lambda stored: stored["photos"][0].update(file="session.json"),
    "other cells": lambda stored: turn_of(stored)["steps"][1]["attention"]["grid"].update(rows=5),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_content_is_one_sentence(path: Path, wrong: str) -> None:
    change(path, WRONG[wrong])
    assert sentence(path) == (
        "The session a session.mmgpt is damaged or cut short. Get a whole copy of it and try again."
    )


def test_endless_nesting_is_one_sentence(path: Path) -> None:
    rewrite(path, {**members(path), "session.json": b"[" * 200_000})
    assert "damaged" in sentence(path)


def test_what_an_older_program_did_not_write_has_its_default(path: Path) -> None:
    change(path, lambda stored: turn_of(stored).pop("neutral"))
    change(path, lambda stored: turn_of(stored).update(invented="later"))
    assert open_session(path).conversations[1].turns[0].neutral is None


def test_missing_files_and_folders_are_sentences(tmp_path: Path) -> None:
    assert "no file none.mmgpt" in sentence(tmp_path / "none.mmgpt")
    (tmp_path / "folder.mmgpt").mkdir()
    assert "is no file" in sentence(tmp_path / "folder.mmgpt")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes of Unix")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mmgpt")
    with pytest.raises(SessionError, match="is no file"):
        open_session(tmp_path / "pipe.mmgpt")


def test_opening_can_be_cancelled(path: Path) -> None:
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        open_session(path, cancel)


def test_recent_sessions_are_the_newest_first_and_each_once(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "recent.json"
    for number in range(MOST + 5):
        remember(file, RecentSession(f"/a/{number}.mmgpt", float(number), 1, 1, "text"))
    remember(file, RecentSession("/a/20.mmgpt", 1000.0, 1, 2, "text"))
    found = read_recent(file)
    assert len(found) == MOST
    assert [entry.name for entry in found[:2]] == ["20", str(MOST + 4)]
    assert sum(entry.name == "20" for entry in found) == 1


def test_a_clock_that_was_put_back_loses_no_session(tmp_path: Path) -> None:
    file = tmp_path / "recent.json"
    for number in range(MOST):
        remember(file, RecentSession(f"/a/{number}.mmgpt", 1e9 + number, 1, 1, "text"))
    for name in ("first", "second"):  # the battery was empty
        remember(file, RecentSession(f"/a/{name}.mmgpt", 5.0, 1, 1, "text"))
    assert [entry.name for entry in read_recent(file)[:3]] == ["second", "first", str(MOST - 1)]


def test_a_search_finds_words_of_answers_questions_and_names() -> None:
    entry = describe(sessions.session(), Path("/x/holiday.mmgpt"))
    assert (entry.pictures, entry.questions) == (2, 3)
    assert all(
        matches(entry, search) for search in ("", "RED ball", "猫 hello", "HOLIDAY", "quest")
    )
    assert not matches(entry, "red dog")


def test_a_search_finds_letters_however_they_are_composed() -> None:
    """macOS writes an accent in a file's name as a sign of its own."""
    entry = RecentSession("/x/cafe\u0301.mmgpt", 1.0, 1, 1, "\uff32ed ball \ud55c")
    assert matches(entry, "caf\u00e9")
    assert matches(entry, "CAFE\u0301")
    assert matches(entry, "red")
    assert matches(entry, "\u1112\u1161\u11ab")
    assert not matches(entry, "cafes")


def test_only_what_the_program_kept_is_deleted_with_its_entry(tmp_path: Path) -> None:
    file = tmp_path / "recent.json"
    for kept in (True, False):
        path = tmp_path / f"{kept}.mmgpt"
        save_session(sessions.session(), path)
        remember(file, describe(sessions.session(), path, kept=kept))
        forget(file, str(path))
        assert path.exists() is not kept
    assert read_recent(file) == ()


@pytest.mark.parametrize("content", [b"", b"{}", b'[{"path": 1}]', b"[" * 100_000, b"\xff"])
def test_a_damaged_list_counts_as_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "recent.json").write_bytes(content)
    assert read_recent(tmp_path / "recent.json") == ()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes in folders here")
def test_a_list_that_is_a_pipe_or_without_end_counts_as_none(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.json"
    os.mkfifo(pipe)
    ours = os.open(pipe, os.O_RDWR)  # so that nobody waits for a writer
    os.write(ours, b"[]")
    assert read_recent(pipe) == ()
    assert os.read(ours, 10) == b"[]"  # and nobody read from it
    os.close(ours)
    with (tmp_path / "recent.json").open("wb") as file:
        file.truncate(1 << 40)
    assert read_recent(tmp_path / "recent.json") == ()
