"""Making ONNX graphs from the models' dialog."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.errors import AppError, RuntimeFailure
from mmgpt_desktop.export.linear import Precision
from mmgpt_desktop.hub import convert as convert_module
from mmgpt_desktop.hub import local as _local  # noqa: F401  # imported before it is timed
from mmgpt_desktop.hub.cache import Hub
from mmgpt_desktop.hub.convert import ConversionReport
from mmgpt_desktop.note import Note, plain
from mmgpt_desktop.resources import mini_path
from mmgpt_desktop.ui.models.models_dialog import ModelsDialog
from mmgpt_desktop.ui.window.app import App
from tests.families.checkpoints import smolvlm_settings
from tests.gui.answers import ask, notices
from tests.gui.conftest import MakeApp
from tests.gui_fakes import ANSWER, FakeEngine, form_texts

_PARITY = "{same} of {steps} steps are the same; {moved:.4f} of the probability moved."
COMPARISON = (
    Note(_PARITY, {"same": 15, "steps": 16, "moved": 0.01234}),
    plain("PyTorch: 13 tokens a second."),
    plain("ONNX Runtime: 90 tokens a second."),
)


@dataclass
class FakeConvert:
    """Says that it is half done, waits to be let on, and copies the checkpoint's settings."""

    error: AppError | None = None
    asked: list[tuple[Path, Path, str]] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)

    def __call__(
        self,
        checkpoint: Path,
        out: Path,
        precision: str,
        cancel: CancelToken,
        progress: Callable[[float, str], None],
    ) -> ConversionReport:
        self.asked.append((checkpoint, out, precision))
        progress(0.5, "Exporting the image encoder")
        forget = cancel.on_cancel(self.gate.set)
        self.gate.wait()
        forget()
        cancel.raise_if_cancelled()
        if self.error is not None:
            raise self.error
        made_checkpoint(out)
        return ConversionReport(
            out, {"decoder.onnx": 100_000_000}, 500_000_000, COMPARISON, plain("Chosen for tests.")
        )


def made_checkpoint(path: Path) -> Path:
    """What the list takes for a checkpoint without looking closer."""
    smolvlm_settings(path)
    header = b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
    data = len(header).to_bytes(8, "little") + header + bytes(4)
    (path / "model.safetensors").write_bytes(data)
    return path


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeConvert:
    fake = FakeConvert()
    monkeypatch.setattr(convert_module, "convert", fake)
    return fake


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    return made_checkpoint(tmp_path / "mine")


@pytest.fixture
def dialog(qtbot: QtBot, make_app: MakeApp, tmp_path: Path, checkpoint: Path) -> ModelsDialog:
    """Looking at the checkpoint, once it is known that it is one."""
    options = {"make_hub": lambda: Hub(tmp_path / "hub")}
    app = make_app(FakeEngine(), options=options, model_folders=(str(checkpoint),))
    app.models.open_dialog()
    dialog = app.models.dialog
    assert dialog is not None
    dialog.choose(str(checkpoint))
    qtbot.waitUntil(lambda: dialog.export_button.isVisible())
    dialog.app = app  # type: ignore[attr-defined]  # for the tests
    return dialog


def app_of(dialog: ModelsDialog) -> App:
    app: App = dialog.app  # type: ignore[attr-defined]
    return app


def export(qtbot: QtBot, dialog: ModelsDialog) -> None:
    dialog.export_button.click()
    dialog.details.form.yes.click()
    qtbot.waitUntil(lambda: "image encoder" in dialog.details.state.text())


def test_a_checkpoint_is_exported_listed_and_reported(
    qtbot: QtBot, dialog: ModelsDialog, fake: FakeConvert, checkpoint: Path
) -> None:
    app, form = app_of(dialog), dialog.details.form
    dialog.export_button.click()
    assert not dialog.export_button.isVisible()
    form.precision.setCurrentIndex(form.precision.findData("int4"))
    out = checkpoint.parent / "mine-onnx-int4"
    assert form.place.whole == str(out)
    form.yes.click()
    qtbot.waitUntil(lambda: dialog.details.bar.value() == 500)
    assert dialog.details.state.text() == "Export: Exporting the image encoder…"
    assert not dialog.delete_button.isVisible()
    with qtbot.waitSignal(app.models.list.folders_changed):
        fake.gate.set()
    assert fake.asked == [(checkpoint, out, "int4")]
    assert app.models.list.folders == (str(checkpoint), str(out))
    assert dialog.row is not None
    assert dialog.row.path == out
    facts = form_texts(dialog.details.facts)
    assert facts["Exported"] == "100 MB, and the checkpoint's weights 500 MB"
    assert facts["Heatmap"] == "Chosen for tests."
    assert facts["Beside PyTorch"].splitlines() == [
        "15 of 16 steps are the same; 0.0123 of the probability moved.",
        "PyTorch: 13 tokens a second.",
        "ONNX Runtime: 90 tokens a second.",
    ]


def test_an_export_stops_at_once(qtbot: QtBot, dialog: ModelsDialog, fake: FakeConvert) -> None:
    export(qtbot, dialog)
    dialog.stop_button.click()
    assert not dialog.details.bar.isVisible()
    assert dialog.export_button.isVisible()
    assert fake.gate.wait(60)
    assert dialog.notices.current() == []
    fake.gate.clear()
    export(qtbot, dialog)
    assert len(fake.asked) == 2
    dialog.stop_button.click()


def test_an_export_that_fails_is_one_sentence_and_the_model_answers(
    qtbot: QtBot, dialog: ModelsDialog, fake: FakeConvert
) -> None:
    app = app_of(dialog)
    fake.error = RuntimeFailure("PyTorch's exporter stops.", "Choose another model.")
    fake.gate.set()
    dialog.export_button.click()
    with qtbot.waitSignal(app.models.exports.failed):
        dialog.details.form.yes.click()
    assert [each.title.text() for each in dialog.notices.current()] == ["PyTorch's exporter stops."]
    assert dialog.export_button.isEnabled()
    ask(qtbot, app)
    assert app.chat.controller.conversation.turns[0].answer == "".join(ANSWER)


def test_behind_the_closed_dialog_it_is_told(
    qtbot: QtBot, dialog: ModelsDialog, fake: FakeConvert
) -> None:
    app = app_of(dialog)
    export(qtbot, dialog)
    dialog.reject()
    with qtbot.waitSignal(app.models.exports.finished):
        fake.gate.set()
    shown = notices(app)
    assert shown == ["The ONNX graphs are made: mine-onnx-int8."]


def test_another_place_can_be_chosen_and_escape_takes_the_question_back(
    qtbot: QtBot, dialog: ModelsDialog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    form, elsewhere = dialog.details.form, tmp_path / "elsewhere"
    dialog.export_button.click()
    assert form.isVisible()
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(elsewhere))
    form.choose.click()
    assert form.out == elsewhere / "mine-onnx-int8"
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    assert not form.isVisible()
    assert dialog.isVisible()
    assert dialog.export_button.isVisible()


@pytest.mark.qt_log_ignore("This plugin does not support grabbing", extend=True)
def test_every_precision_is_offered_and_none_is_cut_off(
    qtbot: QtBot, dialog: ModelsDialog, fake: FakeConvert, checkpoint: Path
) -> None:
    dialog.export_button.click()
    box = dialog.details.form.precision
    offered = [box.itemData(place) for place in range(box.count())]
    assert offered == [each.value for each in Precision]
    widest = max(box.fontMetrics().horizontalAdvance(box.itemText(i)) for i in range(box.count()))
    for width in (880, 1280):
        dialog.resize(width, 600)
        assert dialog.width() == width
        assert widest < box.width() - 40  # borders and the arrow
    box.setFocus()
    box.showPopup()
    qtbot.waitUntil(box.view().isVisible)
    assert box.view().verticalScrollBar().maximum() == 0
    box.hidePopup()
    box.setCurrentIndex(offered.index("mixed"))
    fake.gate.set()
    with qtbot.waitSignal(app_of(dialog).models.exports.finished):
        dialog.details.form.yes.click()
    assert fake.asked == [(checkpoint, checkpoint.parent / "mine-onnx-mixed", "mixed")]


def test_only_checkpoints_can_be_exported(dialog: ModelsDialog) -> None:
    dialog.choose(str(mini_path()))
    assert not dialog.export_button.isVisible()
