"""Takes a picture of the real window with a real answer, for the README and for our eyes.

python -m tests.benchmarks.screenshot out.png --photo cat.jpg --theme dark
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from PySide6.QtWidgets import QWidget

from mmgpt_desktop.conversation import Turn
from mmgpt_desktop.embedded import FLOW
from mmgpt_desktop.messages import RuntimeName
from mmgpt_desktop.methods import Method
from mmgpt_desktop.resources import mini_path, resource_path
from mmgpt_desktop.ui.application import make_application
from mmgpt_desktop.ui.heatmap.comparison import Comparison
from mmgpt_desktop.ui.models.models_dialog import ModelsDialog
from mmgpt_desktop.ui.window.app import App
from mmgpt_desktop.ui.window.waiting import wait_for, wait_for_model, wait_until
from mmgpt_desktop.ui.worker import engine_maker, painter_maker

_SETTLE_S = 0.5


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    os.environ["QT_SCALE_FACTOR"] = str(options.scale)
    application = make_application()
    with tempfile.TemporaryDirectory() as folder:
        app = App(
            application,
            engine_maker(options.bundle, options.runtime),
            Path(folder) / "settings.json",
            {"theme": options.theme, "language": options.language, "fusion": options.fusion},
            make_painters=[painter_maker(options.painter, options.runtime)],
        )
        app.window.resize(*options.size)
        app.start()
        try:
            _act(app, options)
            shown: QWidget = app.window
            if options.compare:
                shown = _compare(app, options)
            elif options.models is not None:
                shown = _open_models(app, options.models)
            shown.grab().save(str(options.out))
        finally:
            app.window.close()
    return 0


def _act(app: App, options: argparse.Namespace) -> None:
    """Open the photos, ask about the last one, and choose a word."""
    wait_for_model(app)
    for count, photo in enumerate(options.photo, start=1):
        app.pictures.photos.open([photo])
        wait_until(lambda count=count: app.pictures.photos.count == count)  # type: ignore[misc]
    if options.draw:
        _draw(app, options)
    for question in options.question:
        wait_until(lambda: not app.chat.controller.busy)
        app.chat.controller.ask(question)
    wait_until(lambda: not app.chat.controller.busy)
    turns = app.chat.controller.conversation.turns
    if turns and turns[-1].steps:
        app.heatmap.heatmaps.choose(turns[-1], _telling_word(turns[-1], options.word))
        app.window.heatmap.choose_method(options.method)
        wait_until(lambda: not app.heatmap.explainer.busy)
    wait_for(_SETTLE_S)


def _draw(app: App, options: argparse.Namespace) -> None:
    """Have something drawn, look at a word of its prompt, and leave that out if it is wanted."""
    window = app.window
    wait_until(window.actions_by_name["draw"].isEnabled)
    window.actions_by_name["draw"].trigger()
    window.prompt.draw_bar.keep_seed(options.seed)
    window.prompt.edit.setPlainText(options.draw)
    window.prompt.draw_bar.count.setCurrentIndex(options.pictures - 1)
    app.painting.draw(options.draw)
    wait_until(lambda: not app.painting.busy)
    card = window.image.card
    texts = [word.text for word in card.drawing.words] if card.drawing is not None else []
    if options.word in texts:
        card.words.setCurrentRow(texts.index(options.word))
        wait_until(lambda: window.image.view.layer is not None)
        if options.leave_out:
            card.leave_out.click()
            wait_until(lambda: not app.painting.busy)
    window.prompt.mode.choose(second=not options.question)


def _compare(app: App, options: argparse.Namespace) -> Comparison:
    """The last question asked of all fusions."""
    app.heatmap.comparisons.compare()
    comparison = app.window.findChildren(Comparison)[0]
    wait_until(lambda: not comparison.busy)
    for column in comparison.columns:
        if column.turn is not None and column.turn.steps:
            column.heatmaps.choose(column.turn, _telling_word(column.turn, options.word))
        column.graph_box.setChecked(options.graph)
    wait_for(2 * _SETTLE_S)
    return comparison


def _open_models(app: App, key: str) -> ModelsDialog:
    """The models' dialog, looking at the one whose repository or folder is named."""
    app.models.open_dialog()
    dialog = app.models.dialog
    assert dialog is not None
    wait_until(lambda: any(row.size for row in app.models.list.rows))
    dialog.choose(key)
    wait_for(_SETTLE_S)
    return dialog


def _telling_word(turn: Turn, wanted: str) -> int:
    """The wanted word, or the longest that doesn't look like a verb."""
    texts = [word.bare for word in turn.words]
    if wanted in texts:
        return texts.index(wanted)
    nouns = [text for text in texts if not text.endswith(("ing", "ed"))] or texts
    return texts.index(max(nouns, key=len))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Save a picture of the window.")
    parser.add_argument("out", type=Path)
    parser.add_argument("--photo", type=Path, action="append", default=[])
    parser.add_argument("--question", action="append", default=[])
    parser.add_argument("--word", default="", help="the word to choose")
    parser.add_argument("--method", type=Method, default=Method.HEADS, help="from words to maps")
    parser.add_argument("--fusion", default="", help="the fusion that answers")
    parser.add_argument("--compare", action="store_true", help="all fusions, side by side")
    parser.add_argument("--graph", action="store_true", help="with --compare: show the graph")
    parser.add_argument("--models", metavar="NAME", help="the models' dialog, at this repository")
    parser.add_argument("--draw", default="", metavar="PROMPT", help="have this drawn first")
    parser.add_argument("--seed", type=int, default=1, help="with --draw")
    parser.add_argument("--pictures", type=int, default=1, help="with --draw")
    parser.add_argument("--leave-out", action="store_true", help="with --draw: without --word")
    parser.add_argument("--painter", type=Path, default=resource_path("models", FLOW))
    parser.add_argument("--theme", choices=("light", "dark"), default="light")
    parser.add_argument("--size", type=_size, default=(1280, 720), metavar="WIDTHxHEIGHT")
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--language", default="en")
    parser.add_argument("--bundle", type=Path, default=mini_path())
    parser.add_argument("--runtime", type=RuntimeName, default=None)
    return parser


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    return int(width), int(height)


if __name__ == "__main__":
    sys.exit(main())
