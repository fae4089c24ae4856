from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QNativeGestureEvent, QPointingDevice
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from mmgpt_desktop.attention.answer_maps import AnswerMaps, MapChoice
from mmgpt_desktop.attention.heatmap import MapStyle
from mmgpt_desktop.imaging.pixels import ImageSpec, patch_grid
from mmgpt_desktop.messages import AttentionMap, Box, Grounding, Photo
from mmgpt_desktop.ui.heatmap.heatmap_view import HeadSelection
from mmgpt_desktop.ui.widgets.drawing import Heatmap, draw_heatmap
from mmgpt_desktop.ui.widgets.photo_view import LARGEST_ZOOM, PhotoView
from mmgpt_desktop.ui.widgets.theme import Theme
from mmgpt_desktop.ui.window.app import App
from tests.gui.answers import ask, idle
from tests.gui.conftest import MakeApp
from tests.gui.hands import turn_wheel
from tests.gui_fakes import ANSWER, FakeEngine, attention_map, make_photo
from tests.records import FUSION

SPEC = ImageSpec(size=256, mean=127.0, std=128.0, max_aspect=2.0, rows=16, columns=16)
PLAIN = MapStyle("viridis", smooth=False)


def draw(map_: AttentionMap) -> Heatmap:
    return draw_heatmap(AnswerMaps(MapChoice(heads=((0, 0),)), (map_,)), (0, 1), PLAIN, 640)


@pytest.fixture
def view(qtbot: QtBot, qapp: QApplication) -> PhotoView:
    view = PhotoView(Theme(qapp, "light"))
    qtbot.addWidget(view)
    view.resize(640, 480)
    view.show()
    return view


def brightest(app: App) -> tuple[float, float]:
    """Where in the photo, 0..1, the shown heatmap is yellow: the middle of the largest."""
    layer = app.window.heatmap.picture.view.layer
    assert layer is not None
    yellow = [
        (x / layer.width(), y / layer.height())
        for x in range(0, layer.width(), 4)
        for y in range(0, layer.height(), 4)
        if layer.pixelColor(x, y).red() > 200
    ]
    return tuple(np.mean(yellow, axis=0)) if yellow else (-1.0, -1.0)


def wait_brightest(qtbot: QtBot, app: App, column: int, row: int) -> None:
    def check() -> None:
        assert brightest(app) == pytest.approx(((column + 0.5) / 4, (row + 0.5) / 4), abs=0.03)

    qtbot.waitUntil(check)


def corner_cell_map(photo: Photo, x: float, y: float) -> AttentionMap:
    """All heads look at the cell under a point of the photo."""
    grid = patch_grid(photo, SPEC)
    boxes = [grid.cell_box(cell) for cell in range(grid.cells)]
    hit = [box.left <= x < box.right and box.top <= y < box.bottom for box in boxes]
    weights = np.zeros((1, 1, grid.cells), np.float16)
    weights[0, 0, hit.index(True)] = 1
    return AttentionMap(weights, grid)


@pytest.mark.parametrize("size", [(640, 480), (300, 600), (900, 100), (64, 1000), (7, 5)])
@pytest.mark.parametrize("zoom", [1.0, 3.0])
def test_the_heatmap_lies_on_the_object_in_the_corner(
    view: PhotoView, size: tuple[int, int], zoom: float
) -> None:
    """A red object of one cell's size in the lower right corner, letterboxed or not."""
    width, height = size
    pixels = np.full((height, width, 3), 90, np.uint8)
    photo = Photo(pixels, "corner", "corner")
    map_ = corner_cell_map(photo, width - 0.01, height - 0.01)
    cell = map_.grid.cell_box(int(map_.weights[0, 0].argmax()))
    left, top = max(0, round(cell.left)), max(0, round(cell.top))
    pixels[top:, left:] = (255, 0, 0)
    view.set_photo(photo)
    view.set_view(zoom, QPointF(1, 1))
    plain = view.grab().toImage()
    view.set_layer(draw(map_).image, smooth=False)
    covered = view.grab().toImage()
    rect = view.photo_rect()
    scale_x, scale_y = rect.width() / width, rect.height() / height
    red, yellow = [], []
    for x in range(max(0, int(rect.left())), min(640, int(rect.right())), 2):
        for y in range(max(0, int(rect.top())), min(480, int(rect.bottom())), 2):
            red.append(_is_red(plain.pixelColor(x, y)))
            yellow.append(_is_yellow(covered.pixelColor(x, y)))
    assert any(yellow)
    # They may differ where a cell's border cuts through a pixel of the photo.
    border = (np.hypot(scale_x, scale_y) + 4) * (480 + 640) / 4
    assert np.count_nonzero(np.not_equal(red, yellow)) <= max(border, 0.02 * len(red))


def _is_red(colour: QColor) -> bool:
    return colour.red() > 200 and colour.green() < 60


def _is_yellow(colour: QColor) -> bool:
    return colour.red() > 200 and colour.green() > 200


def test_the_whole_photo_is_shown_centred(view: PhotoView) -> None:
    view.set_photo(make_photo(100, 100))
    rect = view.photo_rect()
    assert rect.getRect() == (80, 0, 480, 480)


def test_the_wheel_keeps_the_place_under_the_pointer(view: PhotoView) -> None:
    view.set_photo(make_photo(640, 480))
    point, zoom = QPointF(500, 300), view.zoom
    turn_wheel(view, by=600, place=point)
    assert view.zoom > 1.5 * zoom
    rect = view.photo_rect()
    assert (point.x() - rect.left()) / rect.width() == pytest.approx(500 / 640)
    assert (point.y() - rect.top()) / rect.height() == pytest.approx(300 / 480)


def pinch(view: PhotoView, kind: Qt.NativeGestureType, point: QPointF, value: float = 0) -> None:
    device = QPointingDevice.primaryPointingDevice()
    at = QPointF(view.mapToGlobal(point.toPoint()))
    event = QNativeGestureEvent(kind, device, 2, point, point, at, value, QPointF())
    QApplication.sendEvent(view, event)


def test_two_fingers_on_a_touchpad_zoom(view: PhotoView) -> None:
    view.set_photo(make_photo(640, 480))
    zoom, smart = (
        Qt.NativeGestureType.ZoomNativeGesture,
        Qt.NativeGestureType.SmartZoomNativeGesture,
    )
    point = QPointF(500, 300)
    pinch(view, zoom, point, 0.5)
    assert view.zoom == pytest.approx(1.5)
    rect = view.photo_rect()
    assert (point.x() - rect.left()) / rect.width() == pytest.approx(500 / 640)
    pinch(view, zoom, point, -5.0)
    assert 1 <= view.zoom < 1.5
    pinch(view, Qt.NativeGestureType.RotateNativeGesture, point, 1.0)
    assert 1 <= view.zoom < 1.5
    view.zoom_fit()
    pinch(view, smart, point)
    assert view.zoom == 2.5
    pinch(view, smart, point)
    assert view.zoom == 1


def test_zoom_has_limits_and_the_photo_never_leaves(qtbot: QtBot, view: PhotoView) -> None:
    view.set_photo(make_photo(640, 480))
    for _ in range(40):
        qtbot.keyClick(view, Qt.Key.Key_Plus)
    assert view.zoom == LARGEST_ZOOM
    for _ in range(400):
        qtbot.keyClick(view, Qt.Key.Key_Right)
    assert view.photo_rect().right() == pytest.approx(640)
    for _ in range(60):
        qtbot.keyClick(view, Qt.Key.Key_Minus)
    assert view.photo_rect().getRect() == pytest.approx((0, 0, 640, 480))
    qtbot.keyClick(view, Qt.Key.Key_Plus)
    qtbot.keyClick(view, Qt.Key.Key_0)
    assert view.zoom == 1


def test_an_empty_view_takes_all_keys(qtbot: QtBot, view: PhotoView) -> None:
    for key in (Qt.Key.Key_Plus, Qt.Key.Key_Minus, Qt.Key.Key_0, Qt.Key.Key_Left):
        qtbot.keyClick(view, key)
    assert view.photo_rect().isNull()


def test_both_photos_show_the_same_part(app: App) -> None:
    app.pictures.photos.add(make_photo())
    app.window.image.view.zoom_in()
    assert app.window.heatmap.picture.view.zoom == app.window.image.view.zoom
    app.window.heatmap.picture.view.zoom_in()
    assert app.window.image.view.zoom == app.window.heatmap.picture.view.zoom > 1.5


def test_while_streaming_the_word_just_written_is_shown(qtbot: QtBot, make_app: MakeApp) -> None:
    engine = FakeEngine(gated=True)
    app = make_app(engine, smooth=False)
    app.pictures.photos.add(make_photo())
    app.chat.controller.ask("What?")
    for place, word in enumerate(("A", "red", "ball")):
        engine.release()
        wait_brightest(qtbot, app, place, 0)
        assert f"“{word}”" in app.window.heatmap.picture.caption.text()


def test_a_chosen_word_stays_while_the_answer_goes_on(qtbot: QtBot, make_app: MakeApp) -> None:
    engine = FakeEngine(gated=True)
    app = make_app(engine, smooth=False)
    app.pictures.photos.add(make_photo())
    app.chat.controller.ask("What?")
    engine.release(2)
    wait_brightest(qtbot, app, 1, 0)
    app.heatmap.heatmaps.choose(app.chat.controller.conversation.turns[0], 0)
    engine.release(len(ANSWER))
    idle(qtbot, app)
    wait_brightest(qtbot, app, 0, 0)


def test_pointing_previews_and_returns(qtbot: QtBot, make_app: MakeApp) -> None:
    app = make_app(smooth=False)
    app.pictures.photos.add(make_photo())
    ask(qtbot, app)
    turn = app.chat.controller.conversation.turns[0]
    app.heatmap.heatmaps.choose(turn, 2)
    wait_brightest(qtbot, app, 2, 0)
    app.heatmap.heatmaps.hover(turn, 4)
    wait_brightest(qtbot, app, 0, 1)
    app.heatmap.heatmaps.hover(None, 0)
    wait_brightest(qtbot, app, 2, 0)


def test_figures_and_heads_are_behind_details(
    qtbot: QtBot, make_app: MakeApp, tmp_path: Path
) -> None:
    app = make_app()
    app.window.show()
    app.pictures.photos.add(make_photo())
    ask(qtbot, app)
    qtbot.waitUntil(lambda: not app.heatmap.explainer.busy)
    pane, details = app.window.heatmap, app.window.heatmap.details
    app.heatmap.heatmaps.choose(app.chat.controller.conversation.turns[0], 2)
    qtbot.waitUntil(lambda: pane.picture.caption.text() == "“ball”")
    texts = (pane.picture.caption, pane.meaning, pane.check.verdict)
    said = [*(label.text() for label in texts), *pane.picture.legend.ends]
    assert not any(map(str.isdigit, "".join(said))), said
    hidden = (pane.picture.shares, pane.how, pane.layer, pane.head, pane.check.bars)
    assert not any(widget.isVisible() for widget in hidden)
    assert details.accessibleName() == "Details: figures, layers and heads"
    assert details.focusPolicy() & Qt.FocusPolicy.TabFocus
    for key in (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter):
        qtbot.keyClick(details, key)
    assert details.isChecked()
    qtbot.waitUntil(lambda: all(widget.isVisible() for widget in hidden))
    qtbot.waitUntil(lambda: pane.picture.caption.text() == "“ball” · 30 % sure")
    assert pane.picture.legend.ends == ("looked least (0.0 %)", "looked most (50.0 %)")
    app.close()
    assert json.loads((tmp_path / "settings.json").read_text("utf-8"))["details"] is True


def test_a_head_that_was_chosen_elsewhere_is_named(qtbot: QtBot, app: App) -> None:
    app.pictures.photos.add(make_photo())
    ask(qtbot, app)
    app.window.heatmap.choose_head(1, 2)
    assert app.window.heatmap.details.isChecked()


def test_the_whole_answer_is_the_mean_of_its_words(qtbot: QtBot, app: App) -> None:
    app.pictures.photos.add(make_photo())
    ask(qtbot, app)
    app.window.heatmap.switch.second.click()
    qtbot.waitUntil(lambda: app.window.heatmap.picture.caption.text() == "The whole answer")
    assert app.window.heatmap.picture.legend.accessibleName().endswith("from 0.0 % to 7.1 %")
    app.heatmap.heatmaps.choose(app.chat.controller.conversation.turns[0], 0)
    assert app.window.heatmap.switch.first.isChecked()


def test_an_answer_without_a_picture_says_why_there_is_no_heatmap(qtbot: QtBot, app: App) -> None:
    ask(qtbot, app)
    picture = app.window.heatmap.picture
    assert not picture.view.isVisible()
    assert picture.empty.hint.text() == "This answer was written without a picture."


def test_a_model_without_attention_says_so(qtbot: QtBot, make_app: MakeApp) -> None:
    engine = FakeEngine()
    engine.with_attention = False
    app = make_app(engine)
    app.pictures.photos.add(make_photo())
    ask(qtbot, app)
    assert (
        app.window.heatmap.picture.empty.hint.text()
        == "The model does not tell where it looked for this word."
    )


def test_the_default_heads_are_the_models_and_said_how_chosen(app: App) -> None:
    pane = app.window.heatmap
    assert pane.selection == HeadSelection()
    assert pane.selection.pairs(FUSION) == FUSION.head_choice.heads
    assert pane.how.text() == "Chosen for tests."
    assert not pane.head.isEnabled()


def test_layer_and_head_can_be_chosen(app: App) -> None:
    pane = app.window.heatmap
    pane.layer.setCurrentText("Layer 2")
    assert pane.selection.pairs(FUSION) == ((1, 0), (1, 1), (1, 2))
    pane.head.setCurrentText("Head 3")
    assert pane.selection.pairs(FUSION) == ((1, 2),)
    pane.layer.setCurrentText("All layers")
    assert pane.selection.pairs(FUSION) == ((0, 2), (1, 2))
    assert pane.how.text() == "The layers and heads that you chose, together."


def test_choosing_colours_draws_anew_and_is_remembered(qtbot: QtBot, make_app: MakeApp) -> None:
    app = make_app(smooth=False)
    app.pictures.photos.add(make_photo())
    ask(qtbot, app)
    before = app.window.heatmap.picture.view.layer
    app.window.heatmap.drawing.colours.setCurrentText("Cividis")
    qtbot.waitUntil(lambda: app.window.heatmap.picture.view.layer not in (None, before))
    app.window.heatmap.drawing.opacity.setValue(30)
    app.window.close()
    again = make_app()
    assert again.window.heatmap.drawing.map_style.colour_map == "cividis"
    assert again.window.heatmap.drawing.opacity.value() == 30


def test_opacity_shows_the_photo_through(view: PhotoView) -> None:
    shown = make_photo(640, 480)
    view.set_photo(shown)
    plain = view.grab().toImage().pixelColor(10, 10)
    layer = draw(attention_map(shown, 15)).image
    view.set_layer(layer)
    seen = []
    for opacity in (0.0, 0.5, 1.0):
        view.set_opacity(opacity)
        seen.append(view.grab().toImage().pixelColor(10, 10))
    assert seen[0] == plain
    assert seen[2] == layer.pixelColor(10, 10)
    assert abs(seen[1].red() - (plain.red() + seen[2].red()) / 2) <= 2


def test_boxes_are_outlined_where_they_lie_on_the_photo(view: PhotoView) -> None:
    view.set_photo(make_photo(100, 100))
    view.set_boxes([Box(25, 50, 75, 100)])
    image = view.grab().toImage()
    for x, y in ((200, 300), (440, 300), (320, 240)):  # the photo is 480 x 480, from x 80 on
        assert image.pixelColor(x, y) == QColor("white")
    assert image.pixelColor(320, 300) != QColor("white")
    view.set_photo(make_photo(50, 100))
    assert view.boxes == ()


def test_the_models_boxes_are_shown_with_their_words(qtbot: QtBot, make_app: MakeApp) -> None:
    ball, corner = Box(1, 2, 30, 40), Box(0, 0, 9, 9)
    groundings = (Grounding(1, 3, (ball,)), Grounding(5, 5, (corner,)))
    app = make_app(FakeEngine(groundings=groundings))
    app.pictures.photos.add(make_photo())
    ask(qtbot, app)
    pane, turn = app.window.heatmap.picture, app.chat.controller.conversation.turns[0]

    def shown(word: int) -> tuple[Box, ...]:
        app.heatmap.heatmaps.choose(turn, word)
        text = turn.words[word].text.strip()
        qtbot.waitUntil(lambda: f"“{text}”" in pane.caption.text())
        assert ("boxed by the model" in pane.caption.text()) == bool(pane.view.boxes)
        return pane.view.boxes

    assert shown(0) == ()
    assert shown(1) == shown(2) == (ball,)
    assert shown(3) == ()
    app.window.heatmap.switch.second.click()
    qtbot.waitUntil(lambda: pane.view.boxes == (ball, corner))
