from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mmgpt_desktop.engine.folder.work_folder import work_folder


def test_what_is_made_in_it_stays_if_it_is_put_in_place(tmp_path: Path) -> None:
    with work_folder(tmp_path / "new") as folder:
        (folder / "draft").mkdir()
        (folder / "left").touch()
        (folder / "draft").rename(tmp_path / "new" / "done")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["done"]


def test_nothing_is_left_of_what_failed(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), work_folder(tmp_path):
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_goes_with_the_next_and_nothing_else(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path;"
        "from mmgpt_desktop.engine.folder.work_folder import *;"
        "entered = work_folder(Path(sys.argv[1]));"
        "(entered.__enter__() / 'weights').touch(); os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    (left,) = tmp_path.iterdir()
    kept = [tmp_path / name for name in (".exporting-notes", "model.part", ".exporting-1-abcdefgh")]
    for path in kept:
        path.mkdir()
    with work_folder(tmp_path) as own:
        assert not left.exists()
        with work_folder(tmp_path):
            assert own.exists()
    assert sorted(tmp_path.iterdir()) == sorted(kept)
