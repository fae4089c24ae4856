"""Real engines give way to each other, and leave nothing behind."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from mmgpt_desktop.engine.base import EngineBase
from mmgpt_desktop.engine.open_engine import open_engine
from mmgpt_desktop.messages import GenerationOutcome, GenerationRequest, Message, Sampling
from mmgpt_desktop.ui.collector import Collector
from mmgpt_desktop.ui.worker import EngineThread
from tests.families.checkpoints import noise_photo, tiny_smolvlm
from tests.tiny_bundle import make_tiny_bundle

PATIENCE = 60_000  # ms; PyTorch may have to be imported
SWITCHES = 10


class Opener:
    """Makes the engines of two folders in turn; each is known only weakly."""

    def __init__(self, folders: tuple[Path, Path]) -> None:
        self._folders, self._next = folders, 0
        self.made: list[weakref.ref[EngineBase]] = []
        self.runtimes: list[weakref.ref[object]] = []

    def __call__(self) -> EngineBase:
        engine = open_engine(self._folders[self._next % 2])
        self._next += 1
        self.made.append(weakref.ref(engine))
        return engine


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    place = tmp_path_factory.mktemp("models")
    return make_tiny_bundle(place / "ours"), tiny_smolvlm(place / "public", head_dim=16)


@pytest.fixture
def opener(folders: tuple[Path, Path]) -> Opener:
    return Opener(folders)


@pytest.fixture
def thread(qtbot: QtBot, qapp: QApplication, opener: Opener) -> Iterator[EngineThread]:
    thread, collector = EngineThread(opener), Collector(qapp)
    thread.loaded.connect(collector.settle)  # as the app does
    thread.start()
    with qtbot.waitSignal(thread.loaded):
        thread.load()
    yield thread
    thread.begin_close()
    assert thread.end_close()
    collector.close()


def ask(qtbot: QtBot, thread: EngineThread) -> GenerationOutcome:
    request = GenerationRequest(
        next(thread.job_ids),
        (noise_photo(60, 40),),
        (Message("user", "What?"),),
        Sampling(max_new_tokens=3),
    )
    with qtbot.waitSignal(thread.ended) as blocker:
        thread.ask(request)
    outcome: GenerationOutcome = blocker.args[0]
    return outcome


def test_ten_switches_leave_one_engine(qtbot: QtBot, thread: EngineThread, opener: Opener) -> None:
    for _ in range(SWITCHES):
        assert ask(qtbot, thread).kind == "done"
        engine = opener.made[-1]()
        assert engine is not None
        opener.runtimes.append(weakref.ref(engine._runtime))
        del engine
        with qtbot.waitSignal(thread.loaded):
            thread.switch(opener)
        assert [made() is None for made in opener.made] == [True] * (len(opener.made) - 1) + [False]
        assert [runtime() for runtime in opener.runtimes] == [None] * len(opener.runtimes)


def test_a_switch_that_fails_leaves_the_one_before(
    qtbot: QtBot, thread: EngineThread, opener: Opener, tmp_path: Path
) -> None:
    with qtbot.waitSignal(thread.load_failed) as blocker:
        thread.switch(lambda: open_engine(tmp_path))
    assert "holds no model" in blocker.args[0].title
    assert opener.made[0]() is not None
    assert ask(qtbot, thread).kind == "done"
