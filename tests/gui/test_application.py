"""The application, before there is a window."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QLoggingCategory
from PySide6.QtWidgets import QApplication

from mmgpt_desktop.ui.application import make_application

CAMERA = "qt.multimedia.ffmpeg.v4l2camera"


@pytest.fixture
def quiet(qapp: QApplication) -> Iterator[None]:
    assert QLoggingCategory(CAMERA).isInfoEnabled()
    make_application()
    yield
    QLoggingCategory.setFilterRules("")


@pytest.mark.usefixtures("quiet")
def test_a_camera_says_in_the_terminal_what_it_fails_with_and_no_more() -> None:
    camera, sound = QLoggingCategory(CAMERA), QLoggingCategory("qt.multimedia.pulseaudio.engine")
    which = QLoggingCategory("qt.multimedia.ffmpeg")
    assert not camera.isInfoEnabled()
    assert not which.isInfoEnabled()
    assert not sound.isWarningEnabled()
    assert camera.isWarningEnabled()
    assert which.isWarningEnabled()
    assert sound.isCriticalEnabled()
    assert QLoggingCategory("qt.gui").isInfoEnabled()
