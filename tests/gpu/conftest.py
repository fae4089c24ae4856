from __future__ import annotations

from pathlib import Path

import pytest

from tests.gpu.stub import build, why_not


@pytest.fixture(scope="session")
def stub(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a CUDA without a card, for `run_on_stub`."""
    if reason := why_not():
        pytest.skip(reason)
    return build(tmp_path_factory.mktemp("stub"))
