"""A painter that begins with noise, in its folder beside the one that it leans on."""

from __future__ import annotations

import json
import shutil
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mmgpt_desktop import cli
from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.painting.flow_folder import FlowFolder, open_flow
from mmgpt_desktop.engine.painting.open_source import open_source
from mmgpt_desktop.engine.painting.paint_engine import PaintEngine
from mmgpt_desktop.engine.painting.painter_folder import open_painter
from mmgpt_desktop.errors import AppError, BundleError
from mmgpt_desktop.messages import RuntimeName
from mmgpt_desktop.model.painting.flow_painter import FlowPainter
from mmgpt_desktop.model.painting.packed import load_flow
from mmgpt_desktop.model.painting.painter_config import FlowPainterConfig
from mmgpt_desktop.painted import PaintOutcome, PaintRequest, PaintSettings, PaintStep
from mmgpt_desktop.training.evaluation.drawn_pictures import Told
from mmgpt_desktop.training.painting import map_heads
from mmgpt_desktop.training.painting.flow_bundle import build_flow
from tests.model.painting_models import SIDE, TINY_CODER
from tests.not_none import not_none

ONNX, TORCH = RuntimeName.ONNX_CPU, RuntimeName.TORCH
STEPS = PaintSettings(guidance=2.0, steps=5)


def tiny_flow() -> FlowPainter:
    torch.manual_seed(1)
    model = FlowPainter(
        FlowPainterConfig(
            text_width=64,
            text_layers=(0, 1),
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            side=SIDE,
            channels=TINY_CODER.channels,
        )
    )
    for parameter in model.parameters():
        if parameter.ndim > 1:
            torch.nn.init.normal_(parameter, std=0.3)
    model.eval()
    return model


@pytest.fixture(scope="module")
def folder(tiny_painter: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("flow")
    shutil.copytree(tiny_painter, place / "tiny")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own
        build_flow(tiny_flow(), open_painter(place / "tiny"), place / "moves")
    return place / "moves"


@pytest.fixture
def own(folder: Path, tmp_path: Path) -> Path:
    shutil.copytree(folder.parent, tmp_path / "own")
    return tmp_path / "own" / folder.name


def draw(
    folder: Path,
    request: PaintRequest,
    runtime: RuntimeName = ONNX,
    cancel: CancelToken | None = None,
) -> tuple[list[PaintStep], PaintOutcome]:
    painter, steps = PaintEngine(folder, runtime), list[PaintStep]()
    painter.load()
    try:
        return steps, painter.paint(request, cancel or CancelToken(), steps.append)
    finally:
        painter.close()


def asked(seed: int = 3, pictures: int = 1, how: PaintSettings = STEPS) -> PaintRequest:
    return PaintRequest(1, "A dog runs", seed, pictures, how)


def test_weights_come_back_nearly_as_they_were(folder: Path) -> None:
    state = tiny_flow().state_dict()
    for name, weights in load_flow(folder).state_dict().items():
        error = (weights - state[name]).norm() / state[name].norm().clamp(min=1e-9)
        assert float(error) < 0.12, name


def test_both_runtimes_draw_the_same_pictures(folder: Path) -> None:
    drawn = [draw(folder, asked(pictures=2), name)[1] for name in (ONNX, TORCH)]
    assert [each.kind for each in drawn] == ["done", "done"]
    for one, other in zip(*(each.paintings for each in drawn), strict=True):
        apart = np.abs(one.pixels.astype(int) - other.pixels)
        assert int((apart > 1).sum()) == 0
        np.testing.assert_allclose(one.drawing.maps, other.drawing.maps, atol=1e-5)
        assert [word.text for word in one.drawing.words] == ["A", "dog", "runs"]
        read = one.drawing.maps.sum(axis=0)
        assert bool(((read > 0) & (read < 1)).all()), "the rest is of the null cell"
    first, second = drawn[0].paintings
    assert not np.array_equal(first.pixels, second.pixels)
    assert (first.drawing.seed, second.drawing.seed) == (3, 4)


def test_the_same_seed_draws_the_same_alone_and_among_others(folder: Path) -> None:
    _, many = draw(folder, asked(pictures=3))
    _, alone = draw(folder, asked(seed=5))
    assert np.array_equal(many.paintings[2].pixels, alone.paintings[0].pixels)


def test_the_picture_is_shown_on_its_way_and_last_as_it_is(folder: Path) -> None:
    steps, outcome = draw(folder, asked(how=PaintSettings(guidance=2.0, steps=20)))
    assert [(each.done, each.strokes) for each in steps] == [(n, 20) for n in range(1, 21)]
    shown = [each.pixels for each in steps if each.pixels is not None]
    assert 5 <= len(shown) <= 8
    assert np.array_equal(shown[-1][0], outcome.paintings[0].pixels)
    assert not np.array_equal(shown[0], shown[-1])


def test_it_can_be_stopped_at_any_step(folder: Path) -> None:
    painter, cancel = PaintEngine(folder, ONNX), CancelToken()
    painter.load()

    def stop(step: PaintStep) -> None:
        if step.done == 2:
            cancel.cancel()

    outcome = painter.paint(asked(), cancel, stop)
    assert (outcome.kind, outcome.paintings) == ("cancelled", ())
    assert painter.paint(asked(), CancelToken(), lambda _: None).kind == "done"
    painter.close()


def test_more_guidance_is_another_picture(folder: Path) -> None:
    less, more = (
        draw(folder, asked(how=PaintSettings(guidance=each, steps=5)))[1] for each in (1.0, 9.0)
    )
    assert not np.array_equal(less.paintings[0].pixels, more.paintings[0].pixels)


def test_the_prompt_is_read_as_the_painter_beside_it_reads_it(folder: Path) -> None:
    _, outcome = draw(folder, PaintRequest(1, " ", 1))
    assert "Nothing is said" in str(not_none(outcome.error))
    found = open_source(folder)
    assert isinstance(found, FlowFolder)
    assert found.size > open_painter(folder.parent / "tiny").size
    assert found.info.name == "moves"
    assert found.info.settings.steps > 1


def change(folder: Path, **values: Any) -> None:
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | values), encoding="utf-8")


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"painter": {"name": "tiny", "sha256": "0" * 64}}, "is another one here"),
        ({"painter": {"name": "../tiny", "sha256": "0" * 64}}, "lies elsewhere"),
        ({"painter": {"name": "..", "sha256": "0" * 64}}, "lies elsewhere"),
        ({"text_layers": []}, "names no layer"),
        ({"painter": {"name": "none", "sha256": "0" * 64}}, "manifest.json"),
        ({"text_layers": [0, 7]}, "is another one here"),
        ({"heads": [[5, 0]]}, "a head that the model hasn't"),
        ({"files": {}}, "does not list"),
        ({"format": 2}, "newer version"),
        ({"channels": 0}, "channels"),
    ],
)
def test_a_damaged_folder_is_refused_in_a_sentence(
    own: Path, values: dict[str, Any], said: str
) -> None:
    change(own, **values)
    with pytest.raises(BundleError, match=said):
        open_flow(own)


def test_changed_files_are_refused(own: Path) -> None:
    graph = own / "move.onnx"
    graph.write_bytes(graph.read_bytes()[:-1] + b"!")
    with pytest.raises(BundleError, match="was changed"):
        PaintEngine(own, ONNX).load()


def test_without_a_painter_beside_it_the_apps_own_is_looked_at(own: Path) -> None:
    shutil.rmtree(own.parent / "tiny")
    change(own, painter={"name": "mmgpt-painter", "sha256": "0" * 64})
    with pytest.raises(BundleError, match="mmgpt-painter"):
        open_flow(own)


def test_heads_are_chosen_by_what_leaving_a_word_out_changes(
    own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = [Told("t", "i", "A dog runs", "?", "dog", named="dog")]
    monkeypatch.setattr(map_heads, "told_of", lambda *_: told)
    said = map_heads.choose_heads(own, own, 1).splitlines()
    heads = open_flow(own).manifest.heads
    assert 1 <= len(heads) == len(said) <= 4
    values = [float(line.rpartition(" ")[2]) for line in said]
    assert values == sorted(values), "each makes it better"
    assert said[0].startswith(f"with layer {heads[0][0]}, head {heads[0][1]}")


def test_the_command_takes_as_many_steps_as_it_is_told(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drawn = []
    for steps in ("2", "9"):
        out = tmp_path / f"{steps}.png"
        told = ["--painter", str(folder), "--steps", steps, "--seed", "4", "--json"]
        assert cli.main(["draw", "A dog runs", "--out", str(out), *told]) == 0
        found = json.loads(capsys.readouterr().out)
        assert (found["seed"], found["runtime"]) == (4, "onnx-cpu")
        drawn.append(out.read_bytes())
    assert drawn[0] != drawn[1]


@pytest.mark.parametrize(
    ("name", "told", "said"),
    [
        ("moves", ["--temperature", "1"], "has no temperature"),
        ("tiny", ["--steps", "3"], "takes no steps"),
    ],
)
def test_what_a_painter_has_no_use_for_is_refused(
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    told: list[str],
    said: str,
) -> None:
    out = ["--out", str(tmp_path / "dog.png"), "--painter", str(folder.parent / name)]
    assert cli.main(["draw", "A dog runs", *out, *told]) == 2
    assert said in capsys.readouterr().err


def test_without_a_change_no_heads_are_chosen(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = [Told("t", "i", "A dog runs", "?", "dog", named="dog")]
    monkeypatch.setattr(map_heads, "told_of", lambda *_: told)
    monkeypatch.setattr(map_heads, "changed", lambda *_: np.zeros((SIDE, SIDE), np.float32))
    with pytest.raises(AppError, match="No picture changed"):
        map_heads.choose_heads(own, own, 1)
    assert open_flow(own).manifest.heads == ()
