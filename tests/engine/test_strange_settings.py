"""A stranger's settings and graphs: whatever is wrong with them is one sentence."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import onnx
import pytest
from onnx import TensorProto, helper

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.checkpoint_engine import tried_family
from mmgpt_desktop.engine.families.registry import family_of
from mmgpt_desktop.engine.folder import tokenizing
from mmgpt_desktop.engine.folder.checkpoint import read_checkpoint
from mmgpt_desktop.engine.folder.layouts import verify_graphs
from mmgpt_desktop.engine.graphs.decoder_session import DecoderGraph
from mmgpt_desktop.engine.graphs.graph_session import Graph
from mmgpt_desktop.engine.graphs.surgery import attending_graph
from mmgpt_desktop.engine.onnx_runtime import make_session
from mmgpt_desktop.errors import AppError, BundleError, RuntimeFailure
from tests.families.checkpoints import smolvlm_settings


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return smolvlm_settings(tmp_path_factory.mktemp("settings") / "tiny")


def places(data: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The places of all values within JSON."""
    items = data.items() if isinstance(data, dict) else enumerate(data[:4])
    for key, value in items:
        yield (*place, key)
        if isinstance(value, dict | list):
            yield from places(value, (*place, key))


ODD: list[Any] = [
    *(None, True, 0, -1, 3, 2**31, 10**30, float("nan"), float("inf"), 0.5, "", "<image>"),
    *([], [1], [[1]], {}, {"a": 1}, {"height": 10**9, "width": 10**9}, [None] * 3),
]


@pytest.mark.parametrize("seed", range(40))
def test_damaged_settings_are_one_sentence_or_let_be(
    settings: Path, tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    folder = Path(shutil.copytree(settings, tmp_path / "tiny"))
    name = chance.choice(["config.json", "preprocessor_config.json", "tokenizer_config.json"])
    data = json.loads((folder / name).read_text())
    *path, last = chance.choice(list(places(data)))
    part = data
    for key in path:
        part = part[key]
    part[last] = chance.choice(ODD)
    (folder / name).write_text(json.dumps(data))
    said = ""
    try:
        tried_family(read_checkpoint(folder))
    except AppError as error:
        said = str(error)
    for word in ("Error", "object", "NoneType", "int()", "Traceback"):
        assert word not in said


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("size", {"longest_edge": 10**9}),
        ("max_image_size", {"longest_edge": 20_000}),
        ("image_mean", [0, 0]),
        ("image_std", [1, 0, 1]),
        ("resample", 99),
        ("rescale_factor", "x"),
    ],
)
def test_a_setting_that_no_picture_can_be_made_with_is_named(
    settings: Path, tmp_path: Path, name: str, value: Any
) -> None:
    folder = Path(shutil.copytree(settings, tmp_path / "tiny"))
    about = json.loads((folder / "preprocessor_config.json").read_text())
    (folder / "preprocessor_config.json").write_text(json.dumps(about | {name: value}))
    with pytest.raises(BundleError, match=f"give {name} as something that can't be used"):
        tried_family(read_checkpoint(folder))


def test_what_stands_within_the_processors_file_goes_first(settings: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(settings, tmp_path / "tiny"))
    about = json.loads((folder / "preprocessor_config.json").read_text())
    nested = about | {"image_mean": [0.0, 0.0, 0.0]}
    (folder / "processor_config.json").write_text(json.dumps({"image_processor": nested}))
    assert read_checkpoint(folder).image_processor == nested
    (folder / "processor_config.json").write_text(json.dumps({"image_seq_len": 4}))
    assert read_checkpoint(folder).image_processor == about


def test_nobody_guesses_how_a_model_wants_its_pictures(settings: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(settings, tmp_path / "tiny"))
    (folder / "preprocessor_config.json").unlink()
    with pytest.raises(BundleError, match=r"preprocessor_config\.json is missing, which says how"):
        family_of(read_checkpoint(folder))


def test_settings_are_ordinary_files_of_a_bounded_length(settings: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(settings, tmp_path / "tiny"))
    with (folder / "config.json").open("r+b") as file:
        file.truncate(1 << 30)  # takes no room on the disk
    with pytest.raises(BundleError, match=r"config\.json is far too large"):
        read_checkpoint(folder)


def test_a_decoder_that_is_told_apart_by_other_names(tmp_path: Path) -> None:
    for past, present in (
        ("past_key_values.{}.{}", "present.{}.{}"),
        ("past.{}.{}", "present.{}.{}"),
        ("past_{1}_{0}", "present_{1}_{0}"),
        ("past_{}_{}", "present_{}_{}"),
        ("cache_{1}.{0}", "new_cache_{1}.{0}"),
    ):
        decoder = DecoderGraph(Graph(cache_graph(tmp_path, past, present), False), in_place=False)
        assert decoder.layers == 2
        assert len(set(decoder.pairs.values())) == 4


@pytest.mark.parametrize(
    ("past", "present"),
    [("memory_of_{}_{}", "state_{}_{}"), ("past_{1}", "present_{1}"), ("x{}{}", "y{}{}")],
)
def test_a_cache_that_is_not_understood_is_said(tmp_path: Path, past: str, present: str) -> None:
    graph = Graph(cache_graph(tmp_path, past, present), False)
    with pytest.raises(RuntimeFailure, match="keeps what it has read in a way that is not known"):
        DecoderGraph(graph, in_place=False)


def cache_graph(folder: Path, past: str, present: str) -> Path:
    """Keys and values of two layers go through, under names of that plan."""
    info = helper.make_tensor_value_info
    shape: list[str | int | None] = [1, 2, "P", 4]
    nodes: list[onnx.NodeProto] = []
    inputs: list[onnx.ValueInfoProto] = []
    outputs: list[onnx.ValueInfoProto] = []
    for layer in range(2):
        for kind in ("key", "value"):
            names = past.format(layer, kind), present.format(layer, kind)
            if names[0] in {each.name for each in inputs}:
                continue
            nodes.append(helper.make_node("Identity", names[:1], names[1:]))
            inputs.append(info(names[0], TensorProto.FLOAT, shape))
            outputs.append(info(names[1], TensorProto.FLOAT, shape))
    nodes.append(helper.make_node("Identity", ["inputs_embeds"], ["logits"]))
    inputs.append(info("inputs_embeds", TensorProto.FLOAT, [1, "S", 8]))
    outputs.append(info("logits", TensorProto.FLOAT, [1, "S", 8]))
    graph = helper.make_graph(nodes, "cache", inputs, outputs)
    opsets = [helper.make_opsetid("", 17)]
    onnx.save(
        helper.make_model(graph, opset_imports=opsets, ir_version=10), folder / "decoder.onnx"
    )
    return folder / "decoder.onnx"


def test_what_a_library_says_comes_without_its_source(tmp_path: Path) -> None:
    (tmp_path / "x.onnx").write_bytes(b"no graph")
    with pytest.raises(RuntimeFailure) as caught:
        make_session(str(tmp_path / "x.onnx"), tmp_path, cuda=False)
    assert str(tmp_path) not in str(caught.value)
    assert caught.value.title.startswith("ONNX Runtime can't load the model (")
    assert "[" not in caught.value.title


def manifest(folder: Path, files: dict[str, Any]) -> Path:
    text = json.dumps({"kind": "public", "format": 3, "files": files})
    (folder / "manifest.json").write_text(text)
    return folder


@pytest.mark.parametrize("name", ["../out.txt", "/etc/hostname", "C:\\a", "a\\b", "..", "", "link"])
def test_names_of_a_manifest_are_looked_at_before_any_file(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "out.txt").write_text("secret")
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path / "out.txt")
    manifest(folder, {name: {"bytes": 6, "sha256": "0" * 64}})
    monkeypatch.setattr("hashlib.sha256", None)
    with pytest.raises(BundleError, match="names files outside its folder"):
        verify_graphs(folder, lambda _done: None, CancelToken())


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes in folders here")
def test_a_pipe_is_no_file_of_a_model(tmp_path: Path, settings: Path) -> None:
    folder = Path(shutil.copytree(settings, tmp_path / "model"))
    os.mkfifo(folder / "pipe")
    manifest(folder, {"pipe": {"bytes": 0, "sha256": "0" * 64}})
    with pytest.raises(BundleError, match="pipe is missing"):
        verify_graphs(folder, lambda _done: None, CancelToken())
    (folder / "generation_config.json").unlink(missing_ok=True)
    os.mkfifo(folder / "generation_config.json")
    read_checkpoint(folder)  # it is no file, so there is none


def test_a_home_that_cant_be_read_is_no_fault_of_the_model(
    settings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = tmp_path / ("x" * 300)  # no name of a folder is so long
    monkeypatch.setattr("platformdirs.user_cache_path", lambda *_a, **_k: nowhere)
    monkeypatch.setattr(tokenizing, "tried", set())
    tried_family(read_checkpoint(settings))
    edited, _ = attending_graph(
        cache_graph(tmp_path, "past.{}.{}", "present.{}.{}"), nowhere, kernels=True
    )
    assert edited.graph
