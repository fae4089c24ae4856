"""`mmgpt-desktop selftest`: does everything work here? The real window answers a question."""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from mmgpt_desktop.conversation import Turn
from mmgpt_desktop.embedded import default_model
from mmgpt_desktop.errors import AppError
from mmgpt_desktop.methods import Method
from mmgpt_desktop.paths import path_said
from mmgpt_desktop.resources import resource_path
from mmgpt_desktop.ui.application import make_application, prepare_process
from mmgpt_desktop.ui.window.app import App
from mmgpt_desktop.ui.window.waiting import wait_for_model, wait_until
from mmgpt_desktop.ui.worker import engine_maker

PHOTO, QUESTION = ("samples", "cat.jpg"), "What is this?"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--picture", type=path_said, metavar="PNG", help="save the window as it looks in the end"
    )


def run(options: argparse.Namespace) -> int:
    """Print what works, with the seconds since the process began. Raises AppError."""
    picture: Path | None = options.picture
    prepare_process()
    application = make_application()
    with tempfile.TemporaryDirectory() as folder:
        make_engine = engine_maker(options.model or default_model(), options.runtime)
        app = App(application, make_engine, Path(folder) / "settings.json", {"language": "en"})
        try:
            _go_through(app)
            if picture is not None and not app.window.grab().save(str(picture)):
                raise AppError("The picture {name} can't be saved.", name=str(picture))
        finally:
            app.window.close()
    if not app.ended_in_time:
        raise AppError("The window was closed, but its work did not end in time.")
    print("Everything works.")
    return 0


def _go_through(app: App) -> None:
    drawn: list[Method] = []
    app.window.heatmap.picture.heatmap_shown.connect(lambda heatmap: drawn.append(heatmap.method))
    app.start()
    _wait(app.window.isVisible, "window did not open")
    _say("window open")
    try:
        wait_for_model(app)
    except RuntimeError as error:  # with the window's own sentence
        raise AppError(str(error)) from error
    _say("model ready")
    app.pictures.photos.open([resource_path(*PHOTO)])
    _wait(lambda: app.pictures.photos.count == 1, "sample photo did not open")
    app.chat.controller.ask(QUESTION)
    _wait(lambda: not app.chat.controller.busy, "answer did not end")
    turn = _answered(app)
    _say(f'"{QUESTION}" answered: "{turn.answer.strip()}"')
    app.heatmap.heatmaps.choose(turn, len(turn.words) - 1)
    _wait(lambda: Method.HEADS in drawn, "heatmap was not drawn")
    _say("heatmap drawn")
    app.window.heatmap.choose_method(Method.OCCLUSION)
    _wait(
        lambda: Method.OCCLUSION in drawn and turn.is_measured(Method.OCCLUSION),
        "occlusion map was not measured",
    )
    _say("occlusion measured and drawn")


def _answered(app: App) -> Turn:
    """The last turn of the conversation; AppError with what the window said if there is none."""
    turns = app.chat.controller.conversation.turns
    if turns and turns[-1].answer.strip():
        return turns[-1]
    said = [notice.title.text() for notice in app.window.notices.current()]
    raise AppError("There is no answer. {said}", said=" ".join(said))


def _wait(condition: Callable[[], bool], otherwise: str) -> None:
    try:
        wait_until(condition)
    except TimeoutError as error:
        raise AppError("Not in order: the {what}.", what=otherwise) from error


def _say(what: str) -> None:
    seconds = time.time() - psutil.Process().create_time()
    print(f"{seconds:6.2f} s  {what}", flush=True)
