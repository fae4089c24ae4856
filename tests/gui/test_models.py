"""Choosing, downloading and switching models."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from huggingface_hub import close_session
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QFileDialog, QLineEdit, QListWidget, QPushButton
from pytestqt.qtbot import QtBot

from mmgpt_desktop import embedded
from mmgpt_desktop.errors import BundleError, RuntimeFailure
from mmgpt_desktop.hub import download as _download  # noqa: F401  # imported before it is timed
from mmgpt_desktop.hub import local as _local  # noqa: F401
from mmgpt_desktop.hub.cache import Hub
from mmgpt_desktop.hub.catalogue import CatalogueEntry
from mmgpt_desktop.messages import ModelInfo, Timings
from mmgpt_desktop.resources import mini_path
from mmgpt_desktop.settings import Settings
from mmgpt_desktop.ui.models import model_choice
from mmgpt_desktop.ui.models import model_list as models_module
from mmgpt_desktop.ui.models.models_dialog import ModelsDialog
from mmgpt_desktop.ui.window.app import App, model_to_open
from tests.gui.answers import ask, ask_about_photo, notices
from tests.gui.conftest import MakeApp
from tests.gui_fakes import ANSWER, FakeEngine, form_texts
from tests.hub_server import REPOSITORY, HubServer, Misbehaviour, running_hub
from tests.records import MODEL

ENTRY = CatalogueEntry(REPOSITORY, "Tiny", "idefics3", "Apache-2.0", 0.001, "For tests.")
GATED = CatalogueEntry("owner/gated", "Gated", "gemma3", "Terms", 4.0, "For tests.", gated=True)
DRAWS = replace(
    ENTRY, weights=("unet/a.safetensors", "vae/b.safetensors"), parts=("scheduler", "unet", "vae")
)
OTHER = ModelInfo("other", "Another.", 512, MODEL.fusions, MODEL.fusion, doubt=MODEL.doubt)


@pytest.fixture
def server() -> Iterator[HubServer]:
    with running_hub() as running:
        yield running
    close_session()


@pytest.fixture
def hub(server: HubServer, tmp_path: Path) -> Hub:
    return Hub(tmp_path / "hub", server.endpoint, timeout_s=20, pause_s=0.01, tries=2)


@pytest.fixture
def hasty(hub: Hub) -> Hub:
    """It waits only a moment for a server that went silent."""
    return replace(hub, timeout_s=1.0)


class Engines:
    """Fake engines by folder; those opened are kept."""

    def __init__(self, **engines: FakeEngine) -> None:
        self.by_name, self.opened = engines, list[Path]()

    def __call__(self, path: Path) -> FakeEngine:
        self.opened.append(path)
        return self.by_name.get(path.name) or FakeEngine(model=OTHER)


@pytest.fixture
def make_models_app(
    make_app: MakeApp, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., App]:
    monkeypatch.setattr(model_choice, "read_catalogue", lambda: (ENTRY, GATED))

    def make(
        engine: FakeEngine | None = None, engines: Engines | None = None, used: Hub = hub
    ) -> App:
        options = {"open_model": engines or Engines(), "make_hub": lambda: used}
        return make_app(engine, options=options)

    return make


def opened(qtbot: QtBot, app: App, key: str = "") -> ModelsDialog:
    """The dialog, once it knows what is on the disk."""
    with qtbot.waitSignal(app.models.list.changed):
        app.models.open_dialog()
    dialog = app.models.dialog
    assert dialog is not None
    dialog.choose(key or str(mini_path()))
    return dialog


def texts(dialog: ModelsDialog) -> list[str]:
    return [dialog.list.item(place).text() for place in range(dialog.list.count())]


def facts(dialog: ModelsDialog) -> str:
    shown = form_texts(dialog.details.facts)
    return " ".join(f"{name}: {value}" for name, value in shown.items())


def download(qtbot: QtBot, app: App, dialog: ModelsDialog) -> None:
    dialog.choose(REPOSITORY)
    dialog.download_button.click()
    with qtbot.waitSignal(app.models.list.fetched):
        dialog.details.question.yes.click()


def test_the_list_says_what_is_here_and_what_can_be_downloaded(
    qtbot: QtBot, make_models_app: Callable[..., App], server: HubServer
) -> None:
    app = make_models_app()
    dialog = opened(qtbot, app)
    assert texts(dialog) == [
        "On this computer",
        "mmgpt-mini\nIn use",
        "To download",
        "Tiny\nAbout 1 MB",
        "Gated\nAbout 4.0 GB",
    ]
    assert not dialog.use_button.isEnabled()
    dialog.choose(REPOSITORY)
    assert "Licence: Apache-2.0" in facts(dialog)
    assert f"From: 127.0.0.1/{REPOSITORY}" in facts(dialog)
    assert "Memory needed: About 301 MB" in facts(dialog)
    assert "Speed here: Not measured yet" in facts(dialog)
    assert server.asked == []


@pytest.mark.parametrize(
    ("card", "said"),
    [(None, "16.0 GB"), (8 * 10**9, "16.0 GB in the computer, 8.0 GB on the graphics card")],
)
def test_the_free_memory_is_told_beside_what_is_needed(
    qtbot: QtBot,
    make_models_app: Callable[..., App],
    monkeypatch: pytest.MonkeyPatch,
    card: int | None,
    said: str,
) -> None:
    place = "mmgpt_desktop.ui.models.model_list.free_memories"
    monkeypatch.setattr(place, lambda: (16 * 10**9, card))
    dialog = opened(qtbot, make_models_app(), REPOSITORY)
    qtbot.waitUntil(lambda: f"Memory free: {said}" in facts(dialog))


def test_nothing_is_asked_of_the_network_before_it_was_agreed_to(
    qtbot: QtBot, make_models_app: Callable[..., App], server: HubServer
) -> None:
    dialog = opened(qtbot, make_models_app(), REPOSITORY)
    dialog.download_button.click()
    question = dialog.details.question
    assert question.text.text().startswith("Connect to 127.0.0.1 and download about 1 MB?")
    assert "Apache-2.0" in question.text.text()
    assert not question.token.isVisible()
    assert not dialog.download_button.isVisible()
    question.no.click()
    assert not question.isVisible()
    assert dialog.download_button.isVisible()
    assert server.asked == []


def test_without_pytorch_a_checkpoint_is_not_even_downloaded(
    qtbot: QtBot,
    make_models_app: Callable[..., App],
    server: HubServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    error = RuntimeFailure("This needs PyTorch, which is not here.")
    monkeypatch.setattr(models_module, "missing_torch", lambda: error)
    app = make_models_app()
    with qtbot.waitSignal(app.models.list.failed) as said:
        app.models.list.download(REPOSITORY)
    assert said.args == [error]
    assert server.asked == []


def test_what_draws_is_not_downloaded_without_what_draws(
    qtbot: QtBot,
    make_models_app: Callable[..., App],
    server: HubServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    error = RuntimeFailure("This needs diffusers, which is not here.")
    monkeypatch.setattr(model_choice, "read_catalogue", lambda: (DRAWS,))
    monkeypatch.setattr(models_module, "missing_diffusers", lambda: error)
    app = make_models_app()
    with qtbot.waitSignal(app.models.list.failed) as said:
        app.models.list.download(DRAWS.key)
    assert said.args == [error]
    assert server.asked == []


def test_what_only_draws_is_offered_beside_draw(
    qtbot: QtBot,
    make_models_app: Callable[..., App],
    server: HubServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is not opened as what answers."""
    engines = Engines()
    monkeypatch.setattr(model_choice, "read_catalogue", lambda: (DRAWS,))
    app = make_models_app(engines=engines)
    server.files = {"model_index.json": b"{}", **dict.fromkeys(DRAWS.weights, bytes(100))}
    offered: list[Path] = []
    app.models.list.draws_only.disconnect()
    app.models.list.draws_only.connect(offered.append)
    dialog = opened(qtbot, app)
    download(qtbot, app, dialog)
    assert dialog.use_button.text() == "Draw with this model"
    dialog.use_button.click()
    row = app.models.list.row(DRAWS.key)
    assert row is not None
    assert offered == [row.path]
    assert engines.opened == []
    assert not row.exportable


def test_a_download_shows_how_far_it_is_and_can_be_used(
    qtbot: QtBot, make_models_app: Callable[..., App], tmp_path: Path
) -> None:
    engines = Engines()
    app = make_models_app(engines=engines)
    dialog = opened(qtbot, app)
    seen: list[str] = []
    app.models.list.changed.connect(lambda: seen.append(dialog.details.state.text()))
    download(qtbot, app, dialog)
    assert any(text.startswith("Downloading: ") for text in seen)
    row = app.models.list.row(REPOSITORY)
    assert row is not None
    assert dialog.row == row
    assert dialog.use_button.isVisible()
    with qtbot.waitSignal(app.models.loader.opened):
        qtbot.keyClick(dialog.list, Qt.Key.Key_Return)
    assert engines.opened == [row.path]
    assert not dialog.isVisible()
    assert app.window.status.text.whole.startswith("other")
    app.window.close()
    assert json.loads((tmp_path / "settings.json").read_text())["model"] == str(row.path)


def test_a_broken_download_is_one_sentence_and_goes_on(
    qtbot: QtBot, make_models_app: Callable[..., App], server: HubServer
) -> None:
    server.misbehave("model.safetensors", Misbehaviour(cut=900_000), Misbehaviour(cut=0))
    app = make_models_app()
    dialog = opened(qtbot, app, REPOSITORY)
    dialog.download_button.click()
    with qtbot.waitSignal(app.models.list.failed):
        dialog.details.question.yes.click()
    shown = [notice.title.text() for notice in dialog.notices.current()]
    assert shown == ["The connection to 127.0.0.1 broke off."]
    assert notices(app) == []
    qtbot.waitUntil(lambda: dialog.download_button.text() == "Go on with the download…")
    assert "901 kB of about 1 MB are here" in texts(dialog)[3]
    server.asked.clear()
    download(qtbot, app, dialog)
    assert server.ranges("model.safetensors") == ["bytes=900000-"]


def test_a_download_stops_at_once_for_the_user(
    qtbot: QtBot, make_models_app: Callable[..., App], server: HubServer, hasty: Hub
) -> None:
    server.misbehave("model.safetensors", Misbehaviour(stall=900_000))
    app = make_models_app(used=hasty)
    dialog = opened(qtbot, app, REPOSITORY)
    dialog.download_button.click()
    dialog.details.question.yes.click()
    qtbot.waitUntil(server.stalled.is_set)
    dialog.cancel_button.click()
    assert not dialog.details.bar.isVisible()
    assert not dialog.cancel_button.isVisible()
    assert [notice.title.text() for notice in dialog.notices.current()] == []


def test_a_download_that_ends_behind_the_closed_dialog_is_told(
    qtbot: QtBot, make_models_app: Callable[..., App]
) -> None:
    app = make_models_app()
    dialog = opened(qtbot, app, REPOSITORY)
    dialog.download_button.click()
    with qtbot.waitSignal(app.models.list.fetched):
        dialog.details.question.yes.click()
        dialog.reject()
    assert notices(app) == ["Tiny is on this computer now."]


def test_deleting_asks_first(qtbot: QtBot, make_models_app: Callable[..., App], hub: Hub) -> None:
    app = make_models_app()
    dialog = opened(qtbot, app)
    download(qtbot, app, dialog)
    qtbot.waitUntil(dialog.delete_button.isVisible)
    qtbot.keyClick(dialog, Qt.Key.Key_Delete)
    assert "Delete 1 MB from this computer?" in dialog.details.question.text.text()
    dialog.details.question.yes.click()
    qtbot.waitUntil(dialog.download_button.isVisible)
    assert not hub.folder(ENTRY).exists()


def test_a_gated_model_asks_for_a_token_and_forgets_it(
    qtbot: QtBot, make_models_app: Callable[..., App], server: HubServer
) -> None:
    app = make_models_app()
    dialog = opened(qtbot, app, GATED.repository)
    dialog.download_button.click()
    token = dialog.details.question.token
    assert token.isVisible()
    qtbot.keyClicks(token, "hf_mine")
    with qtbot.waitSignal(app.models.list.fetched):
        qtbot.keyClick(token, Qt.Key.Key_Return)
    assert {headers["authorization"] for _, headers in server.asked} == {"Bearer hf_mine"}
    assert token.text() == ""


def test_a_folder_is_listed_if_there_is_a_model_in_it(
    qtbot: QtBot,
    make_models_app: Callable[..., App],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = make_models_app()
    dialog = opened(qtbot, app)
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(empty))
    with qtbot.waitSignal(app.models.list.failed):
        dialog.add_button.click()
    shown = dialog.notices.current()[0].title.text()
    assert shown.endswith("is empty: it holds no model.")
    again = tmp_path / "mine"
    again.symlink_to(mini_path())
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(again))
    with qtbot.waitSignal(app.models.list.folders_changed):
        dialog.add_button.click()
    dialog.choose(str(again))
    assert texts(dialog)[2].startswith("mine")
    dialog.delete_button.click()
    assert app.models.list.folders == ()
    assert again.exists()


def test_photos_and_conversation_stay_when_the_model_changes(
    qtbot: QtBot, make_models_app: Callable[..., App]
) -> None:
    first, second = FakeEngine(), FakeEngine(model=OTHER)
    app = make_models_app(first, Engines(other=second))
    ask_about_photo(qtbot, app)
    qtbot.waitUntil(lambda: not app.heatmap.explainer.busy)
    with qtbot.waitSignal(app.models.loader.opened):
        app.models.use(Path("other"))
    assert first.closed
    conversation = app.chat.controller.conversation
    assert [turn.answer for turn in conversation.turns] == ["".join(ANSWER)]
    assert app.pictures.photos.count == 1
    ask(qtbot, app, "And now?")
    assert [turn.model for turn in conversation.turns] == [MODEL, OTHER]
    assert [message.text for message in second.requests[0].messages] == [
        "What?",
        "".join(ANSWER),
        "And now?",
    ]


def test_an_answer_is_never_explained_by_another_model(
    qtbot: QtBot, make_models_app: Callable[..., App]
) -> None:
    second = FakeEngine(model=OTHER)
    app = make_models_app(FakeEngine(), Engines(other=second))
    ask_about_photo(qtbot, app)
    with qtbot.waitSignal(app.models.loader.opened):
        app.models.use(Path("other"))
    turn = app.chat.controller.conversation.turns[0]
    app.heatmap.heatmaps.choose(turn, 1)
    assert not app.heatmap.explainer.busy
    app.heatmap.inspector.open_formula(0, 0)
    assert notices(app)[-1] == "Another model wrote this answer, so its numbers are gone."
    with qtbot.waitSignal(app.models.loader.opened):
        app.models.use(mini_path())
    assert second.explained == []


def test_a_model_that_fails_leaves_the_one_before(
    qtbot: QtBot, make_models_app: Callable[..., App], tmp_path: Path
) -> None:
    first = FakeEngine()
    broken = FakeEngine(load_error=BundleError("The folder is broken.", "Take another."))
    app = make_models_app(first, Engines(broken=broken))
    before = app.window.status.text.whole
    with qtbot.waitSignal(app.models.loader.not_opened):
        app.models.use(Path("broken"))
    assert notices(app) == ["The folder is broken."]
    assert app.window.status.text.whole == before
    assert broken.closed
    assert not first.closed
    ask(qtbot, app)
    assert app.chat.controller.conversation.turns[0].answer == "".join(ANSWER)
    app.window.close()
    assert "model" not in json.loads((tmp_path / "settings.json").read_text())


def test_where_the_model_before_cannot_come_back_none_answers(
    qtbot: QtBot, make_models_app: Callable[..., App]
) -> None:
    first = FakeEngine()
    broken = FakeEngine(needs_room=True, load_error=BundleError("The folder is broken."))
    app = make_models_app(first, Engines(broken=broken))
    first.load_error = BundleError("It was deleted.")
    with qtbot.waitSignal(app.models.loader.not_opened):
        app.models.use(Path("broken"))
    assert notices(app) == ["The folder is broken."]
    assert app.window.status.text.whole == "The folder is broken."
    first.load_error = None
    with qtbot.waitSignal(app.models.loader.opened):
        app.window.status.load.click()
    assert app.window.status.text.whole.startswith("fake")


def test_the_last_of_several_choices_wins(
    qtbot: QtBot, make_models_app: Callable[..., App]
) -> None:
    slow = FakeEngine(model=OTHER, load_gated=True)
    engines = Engines(slow=slow)
    app = make_models_app(FakeEngine(), engines)
    app.models.use(Path("slow"))
    app.models.use(Path("one"))
    with qtbot.waitSignal(app.models.loader.opened) as result:
        app.models.use(Path("two"))
    assert result.args == [Path("two")]
    assert app.models.list.current == Path("two")
    assert slow.closed


def test_a_remembered_model_that_is_gone_gives_way(tmp_path: Path) -> None:
    mini, here = mini_path(), tmp_path
    choose = model_to_open
    assert choose(None, Settings()) == mini
    assert choose(None, Settings(model=str(here))) == here
    assert choose(None, Settings(model=str(here / "gone"))) == mini
    assert choose(None, Settings(model="mmgpt-small")) == mini, "it was not prepared here"
    assert choose(here / "named", Settings(model=str(here))) == here / "named"


def test_both_models_that_come_with_the_app_can_be_chosen(
    qtbot: QtBot,
    make_models_app: Callable[..., App],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    small = tmp_path / "mmgpt-small"
    small.mkdir()
    (small / "manifest.json").write_text("{}")
    monkeypatch.setattr(embedded, "own_weights", lambda: small)
    app = make_models_app()
    dialog = opened(qtbot, app)
    assert texts(dialog)[:3] == ["On this computer", "mmgpt-mini\nIn use", "mmgpt-small\n2 bytes"]
    assert dialog.details.summary.text().startswith("Our own smallest model")
    dialog.choose(str(small))
    assert dialog.details.summary.text().startswith("Our own model around a pretrained language")
    assert not dialog.delete_button.isVisible()
    with qtbot.waitSignal(app.models.loader.opened):
        dialog.use_button.click()
    assert app.preferences.settings.model == "mmgpt-small"
    assert model_to_open(None, app.preferences.settings) == small
    with qtbot.waitSignal(app.models.loader.opened):
        app.models.use(mini_path())
    assert app.preferences.settings.model == ""


def test_where_the_remembered_model_fails_the_one_that_ships_is_offered(
    qtbot: QtBot, make_app: MakeApp, tmp_path: Path
) -> None:
    broken = FakeEngine(load_error=BundleError("The folder is broken.", "Take another."))
    engines = Engines()
    options = {"model": tmp_path, "open_model": engines}
    app = make_app(broken, wait=False, options=options)
    qtbot.waitUntil(lambda: bool(notices(app)))
    found = app.window.notices.current()[0].findChildren(QPushButton)
    buttons = {button.text(): button for button in found}
    with qtbot.waitSignal(app.models.loader.opened):
        buttons["Use the model that ships"].click()
    assert engines.opened == [mini_path()]


def test_the_speed_of_the_last_answer_is_remembered(
    qtbot: QtBot, make_models_app: Callable[..., App], tmp_path: Path
) -> None:
    engine = FakeEngine(answer=("word ",) * 12)
    app = make_models_app(engine)
    ask(qtbot, app)
    speed = Timings(0.1, 0.05, 0.17, 12).tokens_per_second
    assert app.models.list.speeds == {str(mini_path()): pytest.approx(speed)}
    dialog = opened(qtbot, app)
    assert f"Speed here: {speed:.0f} tokens a second in its last answer" in facts(dialog)
    app.window.close()
    stored = json.loads((tmp_path / "settings.json").read_text())["speeds"]
    assert stored == {str(mini_path()): pytest.approx(speed)}


def test_every_control_of_the_dialog_has_a_name(
    qtbot: QtBot, make_models_app: Callable[..., App]
) -> None:
    dialog = opened(qtbot, make_models_app(), GATED.repository)
    dialog.download_button.click()
    kinds = (QAbstractButton, QLineEdit, QListWidget)
    found = [widget for kind in kinds for widget in dialog.findChildren(kind)]
    assert len(found) > 6
    for widget in found:
        text = widget.text() if isinstance(widget, QAbstractButton) else ""
        assert widget.accessibleName() or text
