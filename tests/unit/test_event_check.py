"""The rehearsal before an event, with an engine and devices that are made up."""

from __future__ import annotations

import socket
import tempfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
from PIL import Image

from mmgpt_desktop import cli
from mmgpt_desktop.commands import event_check
from mmgpt_desktop.errors import AppError, BundleError
from mmgpt_desktop.event.pin import hash_pin
from mmgpt_desktop.question_kinds import BEYOND
from mmgpt_desktop.resources import mini_path
from mmgpt_desktop.ui.event.devices import Devices
from tests.gui_fakes import FakeEngine
from tests.records import MODEL
from tests.tiny_bundle import make_tiny_bundle

Capture = pytest.CaptureFixture[str]
FULL_HD = Devices(((1920, 1080), (1280, 800)), ("Office",), "")


class Stand:
    """A folder with pictures, and what the rehearsal finds there."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.folder, self._patch = folder, patch
        self.opened: list[Path] = []
        for name in ("dog.jpg", "cat.jpg", "logo.png"):
            Image.new("RGB", (8, 6)).save(folder / name)
        self.use(FakeEngine())
        self.have(FULL_HD)
        patch.setattr(event_check, "local_address", lambda _wanted: "127.0.0.1")
        patch.setattr(psutil, "sensors_battery", lambda: None, raising=False)

    def use(self, engine: FakeEngine) -> None:
        engine.close = lambda: setattr(engine, "closed", True)  # type: ignore[method-assign]
        self.engine = engine

        def open_it(folder: Path, _runtime: object) -> Any:
            self.opened.append(folder)
            return engine

        self._patch.setattr(event_check, "open_engine", open_it)

    def have(self, devices: Devices) -> None:
        self._patch.setattr(event_check, "look", lambda: devices)

    def check(self, text: str, capsys: Capture, *options: str) -> tuple[int, list[str]]:
        path = self.folder / "stand.toml"
        path.write_text(text, encoding="utf-8")
        code = cli.main(["event-check", str(path), *options])
        out, err = capsys.readouterr()
        assert err == ""
        return code, out.splitlines()


@pytest.fixture
def stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stand:
    return Stand(tmp_path, monkeypatch)


def failures(lines: list[str]) -> list[str]:
    assert all(line[:2] in ("✓ ", "✗ ") for line in lines[:-1])
    return [line[2:] for line in lines if line.startswith("✗")]


def test_a_whole_profile_is_rehearsed(stand: Stand, capsys: Capture) -> None:
    (stand.folder / "cards").mkdir()
    code, lines = stand.check(
        f"""
        title = "Open day"
        questions = ["What is it?", "Where?"]
        [brand]
        logo = "logo.png"
        [[samples]]
        photo = "dog.jpg"
        [[samples]]
        photo = "cat.jpg"
        questions = ["A cat?"]
        [model]
        fusion = "graph"
        [lock]
        pin = "{hash_pin("2468")}"
        [limits]
        answer_tokens = 7
        [souvenir]
        folder = "cards"
        printer = true
        page = true
        [numbers]
        file = "numbers.csv"
        pictures = "cards"
        """,
        capsys,
    )
    assert failures(lines) == []
    assert code == 0
    assert lines[-1].startswith("All is ready (")
    text = "\n".join(lines)
    for said in (
        "Profile: Open day, 2 samples.",
        "Leaving: by Ctrl+Alt+Shift+Q and the PIN.",
        "Logo: 8 x 6 pixels.",
        "Souvenir page: phones can reach it at 127.0.0.1, port ",
        "Power: no battery.",
        "Screen: 1920 x 1080, 1280 x 800.",
        "Printer: Office.",
        "Camera: there is one.",
        "Model: fake, graph, by ONNX Runtime",
        "dog.jpg, What is it?: A red ball in the corner. (first word",
    ):
        assert said in text
    assert len([line for line in lines if "can be written" in line]) == 3
    asked = [(each.images[0].name, each.messages[-1].text) for each in stand.engine.requests]
    assert asked == [("dog.jpg", "What is it?"), ("cat.jpg", "A cat?"), ("dog.jpg", "Where?")]
    assert {each.sampling.max_new_tokens for each in stand.engine.requests} == {7}
    assert stand.engine.closed
    left = sorted(path.name for path in stand.folder.rglob("*"))
    assert left == ["cards", "cat.jpg", "dog.jpg", "logo.png", "stand.toml"]


def test_a_mistake_in_the_profile_ends_it(stand: Stand, capsys: Capture) -> None:
    code, lines = stand.check("\nidle_s = 3", capsys)
    assert code == 2
    assert failures(lines)[0].startswith("Profile: stand.toml, line 2: nothing is called idle_s")
    assert lines[-1].startswith("1 thing would fail")
    assert len(lines) == 2


def test_a_drawing_is_no_logo(stand: Stand, capsys: Capture) -> None:
    (stand.folder / "logo.png").write_bytes(b"<svg xmlns='http://www.w3.org/2000/svg'></svg>")
    _, lines = stand.check('[brand]\nlogo = "logo.png"', capsys)
    assert any(line.startswith("Logo: ") and "SVG" in line for line in failures(lines))


def test_everything_that_fails_is_said(stand: Stand, capsys: Capture) -> None:
    (stand.folder / "dog.jpg").write_bytes(b"no picture")
    (stand.folder / "logo.png").write_bytes(b"no picture")
    stand.have(Devices(((800, 600),), (), "There is no camera."))
    stand.use(FakeEngine(load_error=BundleError("The model is damaged.")))
    code, lines = stand.check(
        """
        [brand]
        logo = "logo.png"
        [[samples]]
        photo = "dog.jpg"
        [souvenir]
        printer = true
        """,
        capsys,
    )
    assert code == 2
    assert [line.partition(":")[0] for line in failures(lines)] == [
        *("Logo", "Screen", "Printer", "Camera", "Sample dog.jpg", "Model"),
    ]
    assert "It needs 1280 x 720 pixels, and there are 800 x 600." in "\n".join(lines)
    assert lines[-1].startswith("6 things would fail")


def test_what_the_profile_leaves_out_is_not_wanted(stand: Stand, capsys: Capture) -> None:
    stand.have(Devices(((1280, 720),), (), "There is no camera."))
    code, lines = stand.check("[lock]\ncamera = false\n[[samples]]\nphoto='dog.jpg'", capsys)
    assert (code, failures(lines)) == (0, [])
    text = "\n".join(lines)
    assert "none for the presenter's window" in text
    assert not any(word in text for word in ("Camera", "Printer", "Souvenir", "Numbers", "Logo"))
    assert "Leaving: by Ctrl+Alt+Shift+Q, without a PIN." in text


def test_an_answer_that_never_comes_fails(
    stand: Stand, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_check, "ANSWER_S", 0.1)
    stand.use(FakeEngine(gated=True))
    _, lines = stand.check("questions=['What?']\n[[samples]]\nphoto='dog.jpg'", capsys)
    assert failures(lines) == ["dog.jpg, What?: The answer takes longer than 0.1 s."]


@pytest.mark.parametrize(
    ("engine", "said"),
    [
        (FakeEngine(answer=[]), "The answer is empty."),
        (FakeEngine(fail_after=1, error=AppError("It broke.")), "It broke."),
    ],
)
def test_answers_that_fail_are_said(
    stand: Stand, capsys: Capture, engine: FakeEngine, said: str
) -> None:
    stand.use(engine)
    code, lines = stand.check("questions=['What?']\n[[samples]]\nphoto='dog.jpg'", capsys)
    assert code == 2
    assert len(failures(lines)) == 1
    assert said in failures(lines)[0]
    assert engine.closed


def test_a_question_that_the_app_replies_to_itself_is_no_good(
    stand: Stand, capsys: Capture
) -> None:
    stand.use(FakeEngine(model=replace(MODEL, beyond=tuple(BEYOND))))
    questions = "questions=['Who is this man?']\n[[samples]]\nphoto='dog.jpg'"
    code, lines = stand.check(questions, capsys)
    assert code == 2
    assert "The model has no answer to such questions." in failures(lines)[0]


def test_a_slow_first_word_fails(
    stand: Stand, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_check, "FIRST_WORD_S", -1)
    _, lines = stand.check("questions=['What?']\n[[samples]]\nphoto='dog.jpg'", capsys)
    assert "The first word takes" in failures(lines)[0]


def test_it_takes_no_longer_than_its_minute(
    stand: Stand, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_check, "QUESTIONS_S", -1)
    code, lines = stand.check("[[samples]]\nphoto='dog.jpg'", capsys)
    assert code == 0
    assert "✓ Questions: the time was over after 0 of 3." in lines
    assert stand.engine.requests == []


def test_an_unknown_fusion_fails(stand: Stand, capsys: Capture) -> None:
    _, lines = stand.check("[model]\nfusion = 'late'\n[[samples]]\nphoto='dog.jpg'", capsys)
    assert failures(lines) == [
        "Profile: stand.toml, line 2: the model has no fusion called late. "
        "Choose one of these: concat, cross_attention, graph."
    ]


def test_which_model_is_rehearsed(stand: Stand, capsys: Capture) -> None:
    make_tiny_bundle(stand.folder / "other")
    stand.check("", capsys)
    stand.check("[model]\nfolder = 'other'", capsys)
    stand.check("[model]\nfolder = 'other'", capsys, "--model", "third")
    assert stand.opened == [mini_path(), stand.folder / "other", Path("third")]


def test_a_port_that_is_taken_fails(stand: Stand, capsys: Capture) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        _, lines = stand.check(f"[souvenir]\npage = true\nport = {port}", capsys)
    assert [line.partition(":")[0] for line in failures(lines)] == ["Souvenir page"]


def test_a_computer_in_no_network_has_no_page(
    stand: Stand, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nowhere(_wanted: str | None) -> str:
        raise AppError("This computer is in no local network.")

    monkeypatch.setattr(event_check, "local_address", nowhere)
    _, lines = stand.check("[souvenir]\npage = true", capsys)
    assert failures(lines) == ["Souvenir page: This computer is in no local network."]


def test_a_full_disk_fails(stand: Stand, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_check, "ROOM", 1 << 80)
    _, lines = stand.check("[numbers]\nfile = 'a.csv'", capsys)
    assert "are free on the disk. Make room." in failures(lines)[0]


def test_a_folder_that_may_not_be_written_fails(
    stand: Stand, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(**_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(tempfile, "TemporaryFile", refused)
    _, lines = stand.check("[souvenir]\nfolder = '.'", capsys)
    assert failures(lines) == ["Souvenir folder: Permission denied."]


@pytest.mark.parametrize(("plugged", "fails"), [(True, False), (False, True)])
def test_a_battery_must_be_plugged_in(
    stand: Stand, capsys: Capture, monkeypatch: pytest.MonkeyPatch, plugged: bool, fails: bool
) -> None:
    battery = SimpleNamespace(power_plugged=plugged, percent=81.0)
    monkeypatch.setattr(psutil, "sensors_battery", lambda: battery, raising=False)
    code, lines = stand.check("", capsys)
    assert (code == 2) is fails
    assert (
        failures(lines) == ["Power: The computer runs on its battery (81 %). Plug it in."] * fails
    )


def test_the_devices_are_looked_for_in_another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    monkeypatch.setattr(event_check, "DEVICES_S", 60)
    devices = event_check.look()
    assert devices.screens
    assert all(side > 0 for size in devices.screens for side in size)


def test_a_display_that_is_not_there_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", "no-such-platform")
    monkeypatch.setattr(event_check, "DEVICES_S", 60)
    monkeypatch.chdir(tmp_path)  # where a core file may go
    with pytest.raises(AppError, match="The window can't be opened"):
        event_check.look()


def test_devices_that_dont_answer_are_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    monkeypatch.setattr(event_check, "DEVICES_S", 0)
    with pytest.raises(AppError, match="does not say"):
        event_check.look()
