"""The record of an answer: how it grows, what a copy keeps, and sessions of before it was one."""

from __future__ import annotations

import itertools
import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmgpt_desktop.attention.answer_maps import MapChoice
from mmgpt_desktop.conversation import Conversation, Turn, WordCheck
from mmgpt_desktop.errors import AppError
from mmgpt_desktop.honesty import Doubt
from mmgpt_desktop.messages import (
    PICTURE,
    Box,
    CellMaps,
    Check,
    GenerationRequest,
    Message,
    PatchGrid,
    RuntimeInfo,
    RuntimeName,
    Timings,
    TokenStep,
    Verdict,
)
from mmgpt_desktop.methods import Method
from mmgpt_desktop.note import plain
from mmgpt_desktop.session.session_file import open_session, save_session
from mmgpt_desktop.session.session_record import Session, brought_back, to_be_saved
from tests import sessions
from tests.fakes import make_photo, whole_grid
from tests.records import asked, done

# Saved by the program when the window, sessions and reports each had a record of their own.
OLD = Path(__file__).parents[1] / "data" / "before-one-record.mmgpt"
HEADS = MapChoice(Method.HEADS, ((0, 1), (1, 2)))
OCCLUSION = MapChoice(Method.OCCLUSION)


def stored(path: Path) -> tuple[dict[str, Any], bytes]:
    """What was called `fine` then is `tiled`; no window ever set it. What has come since is left
    out where it says nothing."""
    with zipfile.ZipFile(path) as archive:
        text = archive.read("session.json").replace(b'"fine": false', b'"tiled": false')
        return json.loads(text, object_hook=_as_then), archive.read("arrays.bin")


def _as_then(stored: dict[str, Any]) -> dict[str, Any]:
    since: dict[str, Any] = {"anyway": False, "reply": None, "hedge": None, "beyond": []}
    return {name: value for name, value in stored.items() if since.get(name, ...) != value}


def test_an_old_session_opens_with_all_that_was_said() -> None:
    session = open_session(OLD)
    assert (session.current, session.draft) == (2, "half a quest")
    without, first, second = session.conversations
    assert (without.photo, [turn.question for turn in without.turns]) == (None, ["你好?"])
    assert first.photo is not None
    assert first.photo.name == "猫 ball.png"
    assert list(map(str, first.photo.notes)) == ["Only the first of its 3 frames is used."]
    assert first.photo.pixels[0, 0].tolist() == [230, 30, 30]
    assert second.photo is not None
    assert second.photo.moment is not None
    assert (second.photo.moment.clip, second.photo.moment.seconds) == ("a clip", 12.5)
    assert second.clip == "a clip"
    alone, one, two = *without.turns, *first.turns
    assert [turn.answer for turn in (alone, one, two)] == ["Oh", "A red ball", "Yes."]
    assert two.question == "Is [picture 2] later than [picture 1]?"
    assert two.text == f"Is {PICTURE} later than {PICTURE}?"
    assert two.request.images == two.pictures == (second.photo, first.photo)
    assert [message.text for message in alone.request.messages] == ["Hi", "Hi.", "你好?"]
    assert one.request.sampling.temperature == 0.8
    assert (one.job_id, one.fusion, two.fusion) == (4, "graph", None)


def test_an_old_session_opens_with_how_its_answers_ended() -> None:
    without, first, _ = open_session(OLD).conversations
    alone, one, two = *without.turns, *first.turns
    assert alone.outcome is not None
    assert alone.outcome.error is not None
    assert str(alone.outcome.error) == "It broke. Try {again}."
    assert two.outcome is not None
    assert (two.outcome.kind, two.unsure) == ("cancelled", False)
    assert one.outcome is not None
    assert one.unsure
    assert one.outcome.runtime == RuntimeInfo(
        RuntimeName.ONNX_CPU, "CPUExecutionProvider", plain("It fell back."), "q4"
    )
    assert one.outcome.timings == Timings(0.1, 0.2, 0.7, 3)
    assert one.outcome.certainty == 0.25
    assert list(map(str, one.outcome.notes)) == ["A note with {braces}."]
    assert one.boxes((1, 2)) == (Box(1, 1, 4, 3.5),)
    assert one.boxes((0, 3)) == (Box(1, 1, 4, 3.5), Box(0, 0, 8, 6))
    assert one.model is not None
    assert (one.model.name, one.model.sequences, one.model.languages) == (
        "tiny",
        True,
        ("en", "zh"),
    )
    assert [fusion.name for fusion in one.model.fusions] == ["graph", "concat"]


def test_an_old_session_opens_with_what_was_measured() -> None:
    _, first, _ = open_session(OLD).conversations
    one, two = first.turns
    assert [maps.method for maps in one.maps] == [Method.OCCLUSION, Method.ROLLOUT]
    found = one.found(Method.OCCLUSION)
    assert isinstance(found, CellMaps)
    assert np.isnan(found.weights[0, 0, 0])
    assert found.weights[2, 1, 1] == 11 / 8
    assert found.grid == PatchGrid(2, 2, Box(0, -1, 8, 6.5), 8, 6)
    assert one.neutral is not None
    assert one.check(HEADS, 1) == Check(Method.HEADS, 1, 2, 0.8, 0.1, (0.7, 0.75), 0.6, 0.05)
    assert one.verdict(HEADS, 1) is Verdict.MATTERED
    assert one.verdict(OCCLUSION, 2) is Verdict.LANGUAGE
    assert one.verdict(OCCLUSION, 1) is None
    for choice in (HEADS, OCCLUSION, MapChoice(Method.RELATIVE, HEADS.heads)):
        assert one.answer_maps(choice) is not None
    assert all(step.attention is not None and len(step.attention.others) for step in two.steps)
    assert two.answer_maps(HEADS, 1) is not None
    assert two.answer_maps(HEADS, 2) is None


def test_an_old_session_is_saved_again_as_it_was(tmp_path: Path) -> None:
    save_session(open_session(OLD), tmp_path / "again.mmgpt")
    (before, arrays), (now, arrays_now) = stored(OLD), stored(tmp_path / "again.mmgpt")
    assert without_drawings(now["session"]) == before["session"]
    assert now["photos"] == before["photos"]
    assert arrays_now == arrays
    save_session(open_session(tmp_path / "again.mmgpt"), tmp_path / "third.mmgpt")
    assert stored(tmp_path / "third.mmgpt") == (now, arrays)


def test_an_old_session_goes_through_the_window_and_is_the_same_but_for_its_numbers(
    tmp_path: Path,
) -> None:
    old = open_session(OLD)
    conversations = brought_back(old.conversations, itertools.count(20))
    assert [[turn.job_id for turn in each.turns] for each in conversations] == [
        [20],
        [21, 22],
        [22],
    ]
    assert conversations[1].turns[1] is conversations[2].turns[0]
    session = Session(to_be_saved(conversations), old.current, old.draft)
    save_session(session, tmp_path / "again.mmgpt")
    text = json.dumps(stored(tmp_path / "again.mmgpt")[0]["session"])
    for new, number in ((20, 2), (21, 4), (22, 6)):
        text = text.replace(f'"job_id": {new},', f'"job_id": {number},')
    assert without_drawings(json.loads(text)) == stored(OLD)[0]["session"]


def without_drawings(session: dict[str, Any]) -> dict[str, Any]:
    """Older programs knew of none."""
    known = [dict(each) for each in session["conversations"]]
    assert [each.pop("drawing") for each in known] == [None] * len(known)
    return {**session, "conversations": known}


def step(index: int, text: str) -> TokenStep:
    return TokenStep(1, index, index, text, 0.5)


def maps_of(method: Method, tokens: int, done: float = 1.0) -> CellMaps:
    grid = whole_grid(2, 2, 8, 6)
    return CellMaps(method, np.zeros((tokens, 2, 2), np.float32), grid, done)


def test_a_turn_grows_and_its_copy_does_not() -> None:
    turn = asked("What?", photo=make_photo())
    turn.add_step(step(0, "A"))
    assert [word.bare for word in turn.words] == ["A"]
    copied = turn.copy()
    turn.add_step(step(1, " cat."))
    turn.take(Method.OCCLUSION, maps_of(Method.OCCLUSION, 2))
    turn.add_check(OCCLUSION, 1, Check(Method.OCCLUSION, 1, 2, 0.8, 0.1, (0.8,), 0.8))
    turn.end(done(certainty=0.1), Doubt(0.5, 0.5))
    assert (turn.answer, copied.answer) == ("A cat.", "A")
    assert [word.bare for word in turn.words] == ["A", "cat"]
    assert [word.bare for word in copied.words] == ["A"]
    assert (turn.unsure, copied.unsure) == (True, False)
    assert (copied.maps, copied.checks) == ((), ())
    assert copied.outcome is not None
    assert copied.outcome.kind == "cancelled"


def test_what_is_still_being_measured_is_not_kept() -> None:
    turn = asked(photo=make_photo())
    turn.add_step(step(0, "A"))
    turn.take(Method.TAM, maps_of(Method.TAM, 1))
    turn.take(Method.OCCLUSION, maps_of(Method.OCCLUSION, 1, 0.5))
    assert not turn.is_measured(Method.OCCLUSION)
    assert [maps.method for maps in turn.copy().maps] == [Method.TAM]
    turn.take(Method.OCCLUSION, maps_of(Method.OCCLUSION, 1))
    assert turn.is_measured(Method.OCCLUSION)
    assert [maps.method for maps in turn.maps] == [Method.TAM, Method.OCCLUSION]


def test_progress_never_falls() -> None:
    turn = asked(photo=make_photo())
    seen = [turn.progress]
    turn.add_step(step(0, "A"))
    seen.append(turn.progress)
    turn.take(Method.OCCLUSION, maps_of(Method.OCCLUSION, 1, 0.5))
    assert turn.progress == seen[-1], "a search that goes on is nothing to be saved yet"
    turn.take(Method.OCCLUSION, maps_of(Method.OCCLUSION, 1))
    seen.append(turn.progress)
    turn.add_check(OCCLUSION, 0, Check(Method.OCCLUSION, 0, 1, 0.8, 0.1, (0.8,), 0.8))
    seen.append(turn.progress)
    turn.end(done(), None)
    seen.append(turn.progress)
    assert len(set(seen)) == len(seen)
    for before, after in itertools.pairwise(seen):
        assert all(now >= then for then, now in zip(before, after, strict=True))


def test_what_failed_is_known_and_is_not_saved(tmp_path: Path) -> None:
    session = sessions.session()
    turn = session.conversations[1].turns[0]
    turn.fail(Method.TAM, AppError("It broke."))
    turn.check_failed = AppError("It broke, too.")
    save_session(session, tmp_path / "a.mmgpt")
    back = open_session(tmp_path / "a.mmgpt").conversations[1].turns[0]
    assert (dict(back.failed), back.check_failed) == ({}, None)


@pytest.mark.parametrize("lacks", ["outcome", "request"])
def test_an_answer_that_never_ends_is_no_saved_one(tmp_path: Path, lacks: str) -> None:
    path = tmp_path / "a.mmgpt"
    save_session(sessions.session(), path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    text = json.loads(members["session.json"])
    for removed in ("", lacks):
        text["session"]["conversations"][0]["turns"][0].pop(removed, None)
        members["session.json"] = json.dumps(text).encode()
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in members.items():
                archive.writestr(name, data)
        if not removed:
            open_session(path)
    with pytest.raises(AppError, match="damaged"):
        open_session(path)


def test_a_turn_about_several_photos_is_saved_once_and_comes_back_with_each() -> None:
    first, second = make_photo(value=1), make_photo(value=2)
    request = GenerationRequest(5, (first, second), (Message("user", f"{PICTURE} or {PICTURE}?"),))
    both = Turn(request, typed="[picture 1] or [picture 2]?")
    before, after = asked(job_id=3, photo=second), asked(job_id=7, photo=second)
    window = [
        Conversation(),
        Conversation(first, [both]),
        Conversation(second, [before, both, after]),
    ]
    saved = to_be_saved(window)
    assert [len(each.turns) for each in saved] == [0, 1, 2]
    _, one, two = brought_back(saved, itertools.count(100))
    assert [turn.question for turn in two.turns] == ["What?", both.question, "What?"]
    assert one.turns == [two.turns[1]]


def test_checks_are_by_word_and_choice() -> None:
    turn = asked(photo=make_photo())
    check = Check(Method.HEADS, 0, 1, 0.8, 0.1, (0.8,), 0.8)
    turn.checks = (WordCheck(check, 0, HEADS.heads),)
    assert turn.check(HEADS, 0) is check
    assert turn.check(MapChoice(Method.HEADS), 0) is None
    turn.add_check(MapChoice(Method.HEADS), 0, replace(check, hidden=0.8))
    assert turn.verdict(HEADS, 0) is Verdict.MATTERED
    assert turn.verdict(MapChoice(Method.HEADS), 0) is not Verdict.MATTERED
