"""Videos and animations in the window: a strip of frames, asked one by one or as a sequence."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from mmgpt_desktop.conversation import Conversation
from mmgpt_desktop.methods import Method
from mmgpt_desktop.ui.window.app import App
from tests.clips import write_animation, write_video
from tests.gui.answers import ask, idle, notices
from tests.gui.conftest import MakeApp
from tests.gui.drops import files
from tests.gui_fakes import ANSWER, GRID_COLUMNS, FakeEngine, make_photo
from tests.records import MODEL

TEXT = "".join(ANSWER)
SEQUENCES = replace(MODEL, sequences=True)


def open_clip(qtbot: QtBot, app: App, path: Path, frames: int = 8) -> None:
    before = app.pictures.photos.count
    app.pictures.photos.take_mime(files(path))
    qtbot.waitUntil(lambda: app.pictures.photos.count == before + frames)


def under(app: App) -> list[str]:
    """What stands under the frames, without the times."""
    strip = app.window.image.film.list
    return [strip.item(row).text().partition("\n")[2] for row in range(strip.count())]


def frames(app: App) -> list[Conversation]:
    return [each for each in app.pictures.photos.conversations if each.clip]


def test_a_video_is_a_strip_of_frames_with_times(qtbot: QtBot, app: App, tmp_path: Path) -> None:
    app.pictures.photos.add(make_photo())
    open_clip(qtbot, app, write_video(tmp_path / "walk.mp4", 40))
    film, thumbnails = app.window.image.film, app.window.image.thumbnails
    assert film.isVisible()
    assert film.title.whole == "walk.mp4 · 8 frames, evenly spread"
    assert film.list.count() == 8
    assert film.list.item(0).text().startswith("0:00.")
    assert film.list.item(7).text().startswith("0:03.")
    assert thumbnails.count() == 2  # the photo, and the clip
    assert thumbnails.currentRow() == 1
    thumbnails.setCurrentRow(0)
    assert not film.isVisible()
    thumbnails.setCurrentRow(1)
    assert app.chat.controller.conversation is frames(app)[0]


def test_each_frame_is_asked_and_has_its_answer(
    qtbot: QtBot, make_app: MakeApp, tmp_path: Path
) -> None:
    engine = FakeEngine()
    app = make_app(engine)
    open_clip(qtbot, app, write_animation(tmp_path / "a.gif"))
    app.window.prompt.edit.setPlainText("What is it?")
    app.window.prompt.ask_button.click()
    qtbot.waitUntil(lambda: under(app) == [TEXT] * 8)
    idle(qtbot, app)
    photos = [each.photo for each in frames(app) if each.photo]
    assert [request.images for request in engine.requests] == [(photo,) for photo in photos]
    assert app.chat.controller.conversation is frames(app)[7]  # the view went along
    app.window.image.film.list.setCurrentRow(2)
    assert app.chat.controller.conversation is frames(app)[2]
    assert app.heatmap.heatmaps.photo is frames(app)[2].photo


def test_one_frame_alone_can_be_asked(qtbot: QtBot, make_app: MakeApp, tmp_path: Path) -> None:
    engine = FakeEngine()
    app = make_app(engine)
    open_clip(qtbot, app, write_animation(tmp_path / "a.gif"))
    app.window.image.film.all_frames.setChecked(False)
    app.window.image.film.list.setCurrentRow(3)
    ask(qtbot, app)
    assert under(app) == ["", "", "", TEXT, "", "", "", ""]


def test_stopping_ends_the_round(qtbot: QtBot, make_app: MakeApp, tmp_path: Path) -> None:
    engine = FakeEngine(gated=True)
    app = make_app(engine)
    open_clip(qtbot, app, write_animation(tmp_path / "a.gif"))
    app.chat.controller.ask("What?")
    engine.release(len(ANSWER))
    qtbot.waitUntil(lambda: len(engine.requests) == 2)
    app.chat.controller.stop()
    idle(qtbot, app)
    assert under(app) == [TEXT] + [""] * 7
    assert len(engine.requests) == 2


def test_the_view_stays_where_the_user_goes(
    qtbot: QtBot, make_app: MakeApp, tmp_path: Path
) -> None:
    engine = FakeEngine(gated=True)
    app = make_app(engine)
    open_clip(qtbot, app, write_animation(tmp_path / "a.gif"))
    app.chat.controller.ask("What?")
    qtbot.waitUntil(lambda: len(engine.requests) == 1)
    app.window.image.film.list.setCurrentRow(5)
    engine.release(len(ANSWER))
    qtbot.waitUntil(lambda: len(engine.requests) == 2)
    assert app.chat.controller.conversation is frames(app)[5]
    engine.release(1000)
    qtbot.waitUntil(lambda: under(app) == [TEXT] * 8)


def test_a_model_for_sequences_reads_all_frames_at_once(
    qtbot: QtBot, make_app: MakeApp, tmp_path: Path
) -> None:
    engine = FakeEngine(model=SEQUENCES)
    app = make_app(engine)
    open_clip(qtbot, app, write_animation(tmp_path / "a.gif"))
    ask(qtbot, app, "What happens?")
    (request,) = engine.requests
    assert [photo.name for photo in request.images] == ["a.gif"] * 8
    turns = [each.turns for each in frames(app)]
    assert all(each == turns[0] and len(each) == 1 for each in turns)
    assert under(app) == [""] * 8  # the answer is about none of them alone
    turn = turns[0][0]
    for row in (0, 3):  # each frame has its own map
        app.window.image.film.list.setCurrentRow(row)
        app.heatmap.heatmaps.choose(turn, 1)
        maps = app.heatmap.heatmaps.answer_maps(turn)
        assert maps is not None
        assert int(maps.cells(1, 2).argmax()) == 1 + row
        assert maps.maps.grid.columns == GRID_COLUMNS
    app.window.heatmap.choose_method(Method.OCCLUSION)
    assert app.heatmap.heatmaps.answer_maps(turn) is None


def test_answering_a_sequence_again_can_be_undone(
    qtbot: QtBot, make_app: MakeApp, tmp_path: Path
) -> None:
    engine = FakeEngine(model=SEQUENCES)
    app = make_app(engine)
    open_clip(qtbot, app, write_animation(tmp_path / "a.gif"))
    ask(qtbot, app, "What happens?")
    old = frames(app)[0].turns[0]
    app.chat.controller.regenerate()
    idle(qtbot, app)
    assert len(engine.requests[1].images) == 8
    assert all(len(each.turns) == 1 and each.turns[0] is not old for each in frames(app))
    app.window.undo.undo()
    assert all(each.turns == [old] for each in frames(app))


def test_a_clip_goes_and_comes_back_as_a_whole(qtbot: QtBot, app: App, tmp_path: Path) -> None:
    app.pictures.photos.add(make_photo())
    open_clip(qtbot, app, write_animation(tmp_path / "a.gif"))
    open_clip(qtbot, app, write_animation(tmp_path / "a.gif"), frames=0)  # it is there already
    app.window.actions_by_name["remove"].trigger()
    assert app.pictures.photos.count == 1
    app.window.undo.undo()
    assert app.pictures.photos.count == 9
    assert app.window.image.film.isVisible()


def test_a_session_keeps_clips_and_what_was_asked_of_them(
    qtbot: QtBot, make_app: MakeApp, tmp_path: Path
) -> None:
    app = make_app(FakeEngine(model=SEQUENCES))
    open_clip(qtbot, app, write_animation(tmp_path / "a.gif"))
    ask(qtbot, app, "What happens?")
    app.window.image.film.all_frames.setChecked(False)
    app.window.image.film.list.setCurrentRow(2)
    ask(qtbot, app, "And here?")
    session = app.files.sessions.session()
    assert sum(len(each.turns) for each in session.conversations) == 2  # none of them twice
    path = tmp_path / "kept.mmgpt"
    app.files.sessions.ask_where_to = lambda proposed: path  # type: ignore[method-assign]
    app.files.sessions.save()
    qtbot.waitUntil(path.exists)
    before = frames(app)
    app.files.sessions.open(path)
    qtbot.waitUntil(lambda: frames(app)[0] not in before)
    assert app.window.image.film.list.count() == 8
    asked = [[turn.question for turn in each.turns] for each in frames(app)]
    assert asked == [["What happens?"]] * 2 + [["What happens?", "And here?"]] + asked[:1] * 5
    assert frames(app)[0].turns[0] is frames(app)[7].turns[0]
    assert under(app)[2] == TEXT


@pytest.mark.parametrize("name", ["broken.mp4", "broken.gif"])
def test_a_broken_one_is_a_sentence(qtbot: QtBot, app: App, tmp_path: Path, name: str) -> None:
    heads = {"broken.mp4": b"\x00\x00\x00\x18ftypisom", "broken.gif": b"GIF89a\x10\x00\x10\x00"}
    (tmp_path / name).write_bytes(heads[name] + b"\xff" * 400)
    app.pictures.photos.open([tmp_path / name])
    qtbot.waitUntil(lambda: bool(app.window.notices.current()))
    assert name in notices(app)[0]
    assert app.pictures.photos.count == 0
