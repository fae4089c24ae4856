"""A family's tests name a checkpoint or open its `folder`; what is opened from it is the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mmgpt_desktop.engine.chat.family import Family
from mmgpt_desktop.engine.checkpoint_torch import CheckpointTorch
from mmgpt_desktop.engine.families.registry import checkpoint_torch, family_of
from mmgpt_desktop.engine.folder.checkpoint import open_checkpoint


@pytest.fixture(scope="module")
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first checkpoint that the module's `TINY` names."""
    name, make = next(iter(request.module.TINY.items()))
    path: Path = make(tmp_path_factory.mktemp(name) / "tiny")
    return path


@pytest.fixture(scope="module")
def family(folder: Path) -> Family:
    return family_of(open_checkpoint(folder))


@pytest.fixture(scope="module")
def runtime(folder: Path) -> CheckpointTorch:
    return checkpoint_torch(open_checkpoint(folder))


@pytest.fixture(scope="module")
def model(folder: Path) -> Any:
    """transformers' own."""
    from transformers import AutoModelForImageTextToText

    options = {"attn_implementation": "eager", "local_files_only": True}
    return AutoModelForImageTextToText.from_pretrained(folder, **options).eval()
