"""Exports in a process of their own."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.open_engine import open_engine
from mmgpt_desktop.errors import AppError, BundleError, Cancelled, RuntimeFailure
from mmgpt_desktop.hub import convert as module
from mmgpt_desktop.hub.convert import ConversionReport, convert
from mmgpt_desktop.messages import RuntimeName
from tests.families.checkpoints import smolvlm_settings, tiny_smolvlm


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_smolvlm(tmp_path_factory.mktemp("model") / "tiny", head_dim=16)


def converted(checkpoint: Path, out: Path, cancel: CancelToken | None = None) -> ConversionReport:
    return convert(checkpoint, out, "int8", cancel or CancelToken(), lambda *_: None)


def test_it_reports_sizes_and_what_is_different(checkpoint: Path, tmp_path: Path) -> None:
    out, told = tmp_path / "new" / "graphs", list[tuple[float, str]]()
    report = convert(checkpoint, out, "int8", CancelToken(), lambda *each: told.append(each))
    fractions = [fraction for fraction, _ in told]
    assert fractions == sorted(fractions)
    assert told[-1] == (0.9, "Comparing with PyTorch")
    assert report.folder == out
    assert report.error is None
    sizes = {file.name: file.stat().st_size for file in out.iterdir()}
    assert report.bytes == sum(sizes.values()) - sizes["manifest.json"]
    assert report.before == (checkpoint / "model.safetensors").stat().st_size
    assert report.heads
    parity, slow, quick = map(str, report.comparison)
    assert "of the attention moved" in parity
    assert (slow[:8], quick[:13]) == ("PyTorch:", "ONNX Runtime:")
    engine = open_engine(out)
    engine.load()
    assert engine.runtime.runtime is RuntimeName.ONNX_CPU
    engine.close()


def test_cancelling_ends_it_in_the_midst_and_leaves_nothing(
    checkpoint: Path, tmp_path: Path
) -> None:
    cancel, out = CancelToken(), tmp_path / "graphs"

    def stop(_fraction: float, what: str) -> None:
        if what == "Exporting the image encoder":
            assert list(tmp_path.glob(".exporting-*/graphs"))
            cancel.cancel()

    with pytest.raises(Cancelled):
        convert(checkpoint, out, "fp32", cancel, stop)
    assert list(tmp_path.iterdir()) == []


def test_a_process_that_dies_is_said(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "work", _die)
    with pytest.raises(RuntimeFailure, match="most likely because the memory was full"):
        converted(checkpoint, tmp_path / "graphs")


def _die(*_: object) -> None:
    raise SystemExit


def test_what_can_not_be_exported_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="has no weights as safetensors") as caught:
        converted(smolvlm_settings(tmp_path / "settings"), tmp_path / "graphs")
    assert caught.value.hint
    assert not (tmp_path / "graphs").exists()


def test_a_folder_that_is_there_stays_as_it_is(checkpoint: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("precious")
    with pytest.raises(AppError, match=r"There is a folder .* already"):
        converted(checkpoint, tmp_path)
    assert (tmp_path / "mine").read_text() == "precious"


def test_a_place_that_can_not_be_written_is_said(checkpoint: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(AppError, match="could not be written: "):
        converted(checkpoint, tmp_path / "file" / "graphs")


def test_an_error_keeps_its_sentence_on_the_way(tmp_path: Path) -> None:
    error = pickle.loads(pickle.dumps(BundleError("No {name}.", "Take {other}.", name=1, other=2)))
    assert type(error) is BundleError
    assert (error.title, error.hint) == ("No 1.", "Take 2.")
    assert error.title_template == "No {name}."
