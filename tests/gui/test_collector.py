"""What the garbage collection of the window lets go."""

from __future__ import annotations

import linecache
import sys
from collections.abc import Iterator
from types import ModuleType

import pytest
from PySide6.QtWidgets import QApplication

from mmgpt_desktop.ui.collector import MANY_MODULES, Collector


@pytest.fixture
def collector(qapp: QApplication) -> Iterator[Collector]:
    collector = Collector(qapp)
    collector.settle()  # with what is imported so far
    yield collector
    collector.close()


def test_source_of_a_library_that_came_is_let_go(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert linecache.getline(__file__, 1)
    collector.settle()
    assert __file__ in linecache.cache, "no library came"
    for number in range(MANY_MODULES):
        monkeypatch.setitem(sys.modules, f"came_{number}", ModuleType(f"came_{number}"))
    collector.settle()
    assert __file__ not in linecache.cache
    assert linecache.getline(__file__, 1), "it can be read again"
