from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.bundle_engine import BundleEngine
from mmgpt_desktop.engine.folder.bundle import Certainty, open_bundle
from mmgpt_desktop.errors import BundleError, Cancelled
from mmgpt_desktop.messages import RuntimeName
from mmgpt_desktop.question_kinds import QuestionKind
from tests.tiny_bundle import entry, read_manifest, write_manifest


def title_of(path: Path) -> str:
    with pytest.raises(BundleError) as caught:
        open_bundle(path).verify(lambda done: None, CancelToken())
    assert caught.value.title.endswith(".")
    assert "\n" not in str(caught.value)
    return caught.value.title


def change(path: Path, edit: Callable[[dict[str, Any]], object]) -> Path:
    data = read_manifest(path)
    edit(data)
    write_manifest(path, data)
    return path


def test_a_whole_bundle_opens_and_verifies_with_progress(tiny_bundle: Path) -> None:
    fractions: list[float] = []
    bundle = open_bundle(tiny_bundle)
    bundle.verify(fractions.append, CancelToken())
    assert bundle.manifest.decoder.layers == 3
    assert bundle.manifest.image_spec().rows == 4
    assert bundle.manifest.fusion == "graph"
    assert list(bundle.manifest.fusions) == ["graph", "cross_attention", "concat"]
    graph, concat = (bundle.manifest.fusion_info(name) for name in ("graph", "concat"))
    assert graph.head_choice.heads == ((0, 1), (1, 0))
    fusions = bundle.manifest.fusions
    assert fusions["graph"].decoder == fusions["cross_attention"].decoder
    assert (concat.image_layers, concat.rows, concat.columns) == (3, 2, 2)
    assert (bundle.manifest.certainty.temperature, bundle.manifest.certainty.doubt) == (1.0, 0.3)
    assert bundle.manifest.sampling.max_new_tokens == 32
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0


@pytest.mark.parametrize("mean", [0.0, 0.2, 0.7, 1.0])
def test_certainty_follows_from_the_odds(mean: float) -> None:
    assert Certainty(1.0, 0.3, 0.1).of(mean) == pytest.approx(mean)
    bent = Certainty(1.0, 0.3, 0.1, power=2.0, scale=0.5)
    expected = mean**2 / (mean**2 + 2 * (1 - mean) ** 2)
    assert bent.of(mean) == pytest.approx(expected)


def test_a_kind_of_question_may_have_its_own_odds(own_bundle: Path) -> None:
    about = read_manifest(own_bundle)
    assert open_bundle(own_bundle).manifest.certainty.of(0.5, QuestionKind.COUNT) == 0.5
    about["certainty"]["kinds"] = [
        {"kind": "count", "power": 1.0, "scale": 0.25},
        {"kind": "count", "language": "zh", "power": 1.0, "scale": 4.0},
        {"kind": "of a later version", "power": 1.0, "scale": 9.0},
    ]
    write_manifest(own_bundle, about)
    certainty = open_bundle(own_bundle).manifest.certainty
    assert certainty.of(0.5, QuestionKind.COUNT) == pytest.approx(0.2)
    assert certainty.of(0.5, QuestionKind.COUNT, "zh") == pytest.approx(0.8)
    assert certainty.of(0.5, QuestionKind.COLOUR) == certainty.of(0.5) == 0.5


def test_verifying_can_be_cancelled(tiny_bundle: Path) -> None:
    cancel = CancelToken()
    with pytest.raises(Cancelled):
        open_bundle(tiny_bundle).verify(lambda done: cancel.cancel(), cancel)


def test_a_missing_folder_and_a_folder_without_a_model(tmp_path: Path) -> None:
    assert "There is no model folder" in title_of(tmp_path / "gone")
    assert "holds no model" in title_of(tmp_path)
    (tmp_path / "file").touch()
    assert "There is no model folder" in title_of(tmp_path / "file")


def test_paths_that_cant_be_looked_at(own_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "There is no model folder" in title_of(own_bundle / ("x" * 5000))
    assert "There is no model folder" in title_of(Path("nul\0byte"))

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    assert "manifest.json can't be read (Permission denied)" in title_of(own_bundle)


def test_a_missing_file(own_bundle: Path) -> None:
    (own_bundle / "decoder.concat.onnx").unlink()
    assert title_of(own_bundle) == "The model's decoder.concat.onnx is missing."


def test_a_file_cut_short(own_bundle: Path) -> None:
    path = own_bundle / "model.safetensors"
    path.write_bytes(path.read_bytes()[:1000])
    assert "model.safetensors is cut short or too long: 1000 bytes, not" in title_of(own_bundle)


def test_a_changed_file(own_bundle: Path) -> None:
    path = own_bundle / "model.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    assert "model.safetensors was changed: its checksum differs" in title_of(own_bundle)


def test_a_newer_format(own_bundle: Path) -> None:
    assert "newer version" in title_of(change(own_bundle, lambda data: data.update(format=3)))


def test_an_older_format(own_bundle: Path) -> None:
    with pytest.raises(
        BundleError, match=r"older version of MMGPT Desktop\. Download the model again"
    ):
        open_bundle(change(own_bundle, lambda data: data.update(format=1)))


def test_an_unknown_family(own_bundle: Path) -> None:
    assert "family llama" in title_of(change(own_bundle, lambda data: data.update(family="llama")))


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'"x"', b"\xff\xfe", b"[" * 100_000, b"null"])
def test_an_unreadable_manifest(own_bundle: Path, data: bytes) -> None:
    (own_bundle / "manifest.json").write_bytes(data)
    assert "manifest.json " in title_of(own_bundle)


@pytest.mark.parametrize(
    "edit",
    [
        lambda data: data.pop("format"),
        lambda data: data.update(format=True),
        lambda data: data.update(format="1"),
        lambda data: data.pop("name"),
        lambda data: data.update(files=[]),
        lambda data: data["files"].pop("tokenizer.json"),
        lambda data: data["files"].pop("decoder.concat.onnx"),
        lambda data: data["files"].update({"x": {"bytes": 3}}),
        lambda data: data["decoder"].pop("heads"),
        lambda data: data["decoder"].update(heads="6"),
        lambda data: data["decoder"].update(layers=-1),
        lambda data: data["image"].update(size=None),
        lambda data: data.update(fusion="none"),
        lambda data: data.pop("fusion"),
        lambda data: data.update(fusions={}),
        lambda data: data.update(fusions=["graph"]),
        lambda data: data["fusions"].update(concat=None),
        lambda data: data["fusions"]["graph"].pop("decoder"),
        lambda data: data["fusions"]["graph"].update(image_encoder="../x"),
        lambda data: data["fusions"]["graph"].update(image_layers="4"),
        lambda data: data["fusions"]["graph"].update(grid=3),
        lambda data: data["fusions"]["graph"]["attention"].update(heads=[[0]]),
        lambda data: data["fusions"]["graph"]["attention"].update(heads=[[2, 0]]),
        lambda data: data["fusions"]["graph"]["attention"].update(heads=[[0, 99]]),
        lambda data: data["fusions"]["graph"]["attention"].update(heads=["ab"]),
        lambda data: data.pop("certainty"),
        lambda data: data["certainty"].pop("doubt_long"),
        lambda data: data["certainty"].update(temperature=0),
        lambda data: data["certainty"].update(temperature=float("nan")),
        lambda data: data["certainty"].update(kinds=[{"kind": "count", "power": 1.0}]),
        lambda data: data["certainty"].update(
            kinds=[{"kind": "count", "power": 1.0, "scale": "x"}]
        ),
        lambda data: data["certainty"].update(kinds={"count": {"power": 1.0, "scale": 1.0}}),
        lambda data: data.update(beyond=["everything"]),
        lambda data: data["special_tokens"].update(end=1.5),
        lambda data: data["sampling"].update(top_k="many"),
    ],
)
def test_a_wrong_manifest(own_bundle: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    assert "manifest.json can't be used" in title_of(change(own_bundle, edit))


def test_a_name_that_leads_out_of_the_folder(own_bundle: Path) -> None:
    change(
        own_bundle,
        lambda data: data["files"].update({"../x": data["files"]["tokenizer.json"]}),
    )
    assert title_of(own_bundle) == "The model's manifest.json names files outside its folder."


def test_unknown_keys_are_let_be(own_bundle: Path) -> None:
    def extend(data: dict[str, Any]) -> None:
        data["extra"] = 1
        data["decoder"]["extra"] = 1
        data["files"]["config.json"]["extra"] = 1

    open_bundle(change(own_bundle, extend))


def test_a_folder_in_a_files_place(own_bundle: Path) -> None:
    (own_bundle / "notes").mkdir()
    about = entry(own_bundle / "config.json")
    about["bytes"] = (own_bundle / "notes").stat().st_size
    change(own_bundle, lambda data: data["files"].update(notes=about))
    assert "notes" in title_of(own_bundle)


def test_the_manifest_is_plain_json(tiny_bundle: Path) -> None:
    assert json.loads((tiny_bundle / "manifest.json").read_text())["format"] == 2


@pytest.mark.parametrize(
    ("part", "name", "value"),
    [
        ("decoder", "layers", 10**9),
        ("decoder", "layers", 0),
        ("decoder", "vocabulary", 10**30),
        ("image", "size", 20_000),
        ("image", "std", 0),
        ("image", "mean", float("nan")),
        ("sampling", "max_new_tokens", 10**12),
    ],
)
def test_numbers_that_would_have_no_end(
    own_bundle: Path, part: str, name: str, value: float
) -> None:
    change(own_bundle, lambda data: data[part].update({name: value}))
    assert f"{part}.{name} must be" in title_of(own_bundle)


def test_a_link_out_of_the_folder_is_no_file_of_the_model(own_bundle: Path, tmp_path: Path) -> None:
    weights = own_bundle / "model.safetensors"
    weights.rename(tmp_path / "elsewhere")
    weights.symlink_to(tmp_path / "elsewhere")
    assert "names files outside its folder" in title_of(own_bundle)


def test_only_what_ships_is_mended_by_installing_the_app_again(
    own_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (own_bundle / "model.safetensors").unlink()
    for shipped, hint in ((tmp_path / "else", "Download the model"), (tmp_path, "Install the app")):
        monkeypatch.setattr(
            "mmgpt_desktop.engine.folder.model_files.resource_path", lambda *_, s=shipped: s
        )
        with pytest.raises(BundleError) as caught:
            open_bundle(own_bundle)
        assert caught.value.hint.startswith(hint)


def test_weights_that_no_checksum_stands_for_are_not_read(own_bundle: Path) -> None:
    path = own_bundle / read_manifest(own_bundle)["fusions"]["graph"]["decoder"]
    model = onnx.load(str(path), load_external_data=False)
    numbers = onnx.numpy_helper.from_array(np.zeros(999, np.float32), "more")
    onnx.external_data_helper.set_external_data(numbers, "more.data")
    (own_bundle / "more.data").write_bytes(numbers.raw_data)
    numbers.ClearField("raw_data")
    model.graph.initializer.append(numbers)
    path.write_bytes(model.SerializeToString())
    change(own_bundle, lambda data: data["files"].update({path.name: entry(path)}))
    with pytest.raises(BundleError, match=r"reads more\.data, which its manifest doesn't list"):
        BundleEngine(own_bundle, RuntimeName.ONNX_CPU).load()
