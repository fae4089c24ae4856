"""The application, before there is a window."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QLoggingCategory
from PySide6.QtWidgets import QApplication

from mmgpt_desktop.ui.application import make_application

CAMERA = "qt.multimedia.ffmpeg.v4l2camera"


def category(name: str) -> QLoggingCategory:
    return QLoggingCategory(name)  # type: ignore[arg-type]  # the stub says bytes


@pytest.fixture
def quiet(qapp: QApplication) -> Iterator[None]:
    assert category(CAMERA).isInfoEnabled()
    make_application()
    yield
    QLoggingCategory.setFilterRules("")


@pytest.mark.usefixtures("quiet")
def test_a_camera_says_in_the_terminal_what_it_fails_with_and_no_more() -> None:
    camera, video = category(CAMERA), category("qt.multimedia.ffmpeg")
    sound = category("qt.multimedia.pulseaudio.engine")
    assert not camera.isInfoEnabled()
    assert not video.isInfoEnabled()
    assert not sound.isWarningEnabled()
    assert camera.isWarningEnabled()
    assert video.isWarningEnabled()
    assert sound.isCriticalEnabled()
    assert category("qt.gui").isInfoEnabled()
