"""The models that draw, tiny and with random weights."""

from __future__ import annotations

import json
import shutil
import warnings
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from PIL import Image
from torch import Tensor

from mmgpt_desktop import cli
from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.painting.paint_engine import PaintEngine
from mmgpt_desktop.engine.painting.painter_folder import DRAW, PAINT, READ, open_painter
from mmgpt_desktop.messages import RuntimeName
from mmgpt_desktop.model.decoder import KeyValue
from mmgpt_desktop.model.painting.packed import PaintingModel
from mmgpt_desktop.model.painting.painter import CodeSampling, MMGPTPainter, Stroke
from mmgpt_desktop.model.painting.quantizer import ScalarQuantizer
from mmgpt_desktop.painted import PaintOutcome, PaintRequest, PaintSettings
from mmgpt_desktop.training.__main__ import main
from mmgpt_desktop.training.evaluation.drawn_pictures import Told
from mmgpt_desktop.training.painting import map_heads
from tests.model.painting_models import CELLS, CODES, PARTS, SIDE, TEXT, tiny_painting


@pytest.fixture(scope="module")
def painting() -> PaintingModel:
    return tiny_painting()


@pytest.fixture
def text() -> Tensor:
    """Two sentences, the first of which is short."""
    ids = torch.arange(1, 2 * TEXT + 1).reshape(2, TEXT)
    ids[0, 4:] = 0
    return ids


def brush(pictures: int, guidance: float = 1.0, noise: Tensor | None = None) -> CodeSampling:
    nothing = torch.zeros(pictures, PARTS, CODES)
    one = torch.ones(1)
    return CodeSampling(nothing if noise is None else noise, one, 1e-30 * one, guidance * one)


def painted(model: MMGPTPainter, text: Tensor, brushes: list[CodeSampling]) -> list[Stroke]:
    """The strokes of whole pictures, one brush for each cell."""
    past, visible = model.read(text), model.visible(text)
    before = torch.zeros(len(text), PARTS, dtype=torch.long)
    strokes: list[Stroke] = []
    with torch.no_grad():
        for cell, one in enumerate(brushes):
            stroke = model.paint(before, torch.tensor([cell]), visible, past, one)
            past, before = stroke.presents, stroke.codes
            strokes.append(stroke)
    return strokes


def codes_of(strokes: list[Stroke]) -> Tensor:
    return torch.stack([each.codes for each in strokes], dim=1)


def test_codes_stand_for_the_nearest_levels() -> None:
    quantizer = ScalarQuantizer((7, 5), PARTS)
    cells = torch.randn(40, 2 * PARTS, generator=torch.Generator().manual_seed(1)) * 2
    codes = quantizer.encode(cells)
    assert codes.shape == (40, PARTS)
    assert 0 <= int(codes.min()) < int(codes.max()) < 35
    levels = quantizer.decode(codes)
    assert torch.equal(levels, quantizer(cells))
    steps = torch.tensor([3.0, 2.0] * PARTS)
    assert float((levels - cells.tanh()).abs().mul(steps).max()) < 0.51


def test_every_code_comes_back() -> None:
    quantizer = ScalarQuantizer((7, 5), 1)
    codes = torch.arange(35)[:, None]
    levels = quantizer.decode(codes)
    assert len(levels.unique(dim=0)) == 35
    assert torch.equal(quantizer.encode(levels.clamp(-0.99, 0.99).atanh()), codes)


def test_rounding_lets_gradients_pass() -> None:
    cells = torch.zeros(2, 2 * PARTS, requires_grad=True)
    ScalarQuantizer((7, 5), PARTS)(cells).sum().backward()
    assert cells.grad is not None
    assert bool((cells.grad > 0.9).all())


def test_a_picture_becomes_codes_and_these_a_picture(painting: PaintingModel) -> None:
    coder = painting.coder
    pixels = torch.rand(2, 3, 32, 32) * 2 - 1
    codes = coder.encode(pixels)
    assert codes.shape == (2, SIDE, SIDE, PARTS)
    again = coder.decode(codes)
    assert again.shape == pixels.shape
    torch.testing.assert_close(again, coder(pixels))
    drawn = torch.tensor([[[True, False], [False, False]]]).expand(2, -1, -1)
    assert not torch.equal(coder.decode_some(codes, drawn), again)
    torch.testing.assert_close(coder.decode_some(codes, torch.ones_like(drawn)), again)


def test_a_cell_follows_from_the_text_and_the_cells_before_it(
    painting: PaintingModel, text: Tensor
) -> None:
    model = painting.painter
    codes = torch.randint(0, CODES, (2, CELLS, PARTS))
    before = model(text, codes).logits
    later = codes.clone()
    later[:, 2, 1] = (later[:, 2, 1] + 1) % CODES
    after = model(text, later).logits
    torch.testing.assert_close(after[:, :2], before[:, :2])
    torch.testing.assert_close(after[:, 2, :2], before[:, 2, :2])
    assert not torch.allclose(after[:, 2, 2], before[:, 2, 2])
    assert not torch.allclose(after[:, 3], before[:, 3])
    other = text.clone()
    other[:, 0] += 20
    assert not torch.allclose(model(other, codes).logits[:, 0], before[:, 0])


def test_padding_says_nothing(painting: PaintingModel, text: Tensor) -> None:
    model, codes = painting.painter, torch.randint(0, CODES, (1, CELLS, PARTS))
    short = text[:1]
    longer = torch.nn.functional.pad(short, (0, 3))
    # Places count from the text's first token: more padding moves the cells away from it.
    near = model(short, codes).logits
    assert torch.isfinite(model(longer, codes).logits).all()
    assert torch.isfinite(model(torch.zeros_like(short), codes).logits).all()
    assert not torch.allclose(model(torch.zeros_like(short), codes).logits, near)


def test_painting_cell_by_cell_is_what_the_whole_row_says(
    painting: PaintingModel, text: Tensor
) -> None:
    model = painting.painter
    codes = codes_of(painted(model, text, [brush(2)] * CELLS))
    assert torch.equal(model(text, codes).logits.argmax(dim=-1), codes)


def test_guidance_moves_away_from_the_picture_without_words(
    painting: PaintingModel, text: Tensor
) -> None:
    """The first code: logits without + 3 * (with - without)."""
    model = painting.painter
    drawn = torch.zeros(2, CELLS, PARTS, dtype=torch.long)
    told, untold = (model(each, drawn).logits[:, 0, 0] for each in (text, torch.zeros_like(text)))
    wanted = (untold + 3 * (told - untold)).argmax(dim=-1)
    (stroke,) = painted(model, text, [brush(2, guidance=3.0)])
    assert torch.equal(stroke.codes[:, 0], wanted)


def test_noise_draws_and_what_is_unlikely_is_never_drawn(
    painting: PaintingModel, text: Tensor
) -> None:
    model = painting.painter
    noise = torch.zeros(2, PARTS, CODES)
    (greedy,) = painted(model, text, [brush(2)])
    rare = int(model(text, torch.zeros(2, CELLS, PARTS, dtype=torch.long)).logits[0, 0, 0].argmin())
    noise[0, 0, rare] = 1000.0
    (drawn,) = painted(model, text, [brush(2, noise=noise)])
    assert int(drawn.codes[0, 0]) == rare
    assert torch.equal(drawn.codes[1], greedy.codes[1])
    strict = brush(2, noise=noise)._replace(least=torch.tensor([0.9]))
    (kept,) = painted(model, text, [strict])
    assert int(kept.codes[0, 0]) == int(greedy.codes[0, 0])


def test_attention_is_over_the_words_alone(painting: PaintingModel, text: Tensor) -> None:
    stroke = painted(painting.painter, text, [brush(2)] * CELLS)[-1]
    assert stroke.attention.shape == (2, 2, 2, TEXT)
    assert float(stroke.attention[0, ..., 4:].max()) == 0.0, "padding"
    whole = stroke.attention.sum(dim=-1)
    assert bool(((whole > 0) & (whole < 1)).all()), "the rest went to what is drawn"


def test_the_packed_painter_draws_as_before(painting: PaintingModel, tiny_painter: Path) -> None:
    again = PaintingModel.load_packed(tiny_painter)
    codes = torch.randint(0, CODES, (1, SIDE, SIDE, PARTS))
    torch.testing.assert_close(
        again.coder.decode(codes), painting.coder.decode(codes), atol=0.06, rtol=0
    )
    state = painting.painter.state_dict()
    for name, weights in again.painter.state_dict().items():
        error = (weights - state[name]).norm() / state[name].norm().clamp(min=1e-9)
        assert float(error) < 0.12, name  # matrices are of 4 bits


def test_graphs_are_exported_anew_and_stay_the_same(tiny_painter: Path, tmp_path: Path) -> None:
    own = tmp_path / "own"
    shutil.copytree(tiny_painter, own)
    for name in (READ, PAINT, DRAW):
        (own / name).write_bytes(b"")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        main(["painter-graphs", "--painter", str(own)])
    for name in (READ, PAINT, DRAW, "model.safetensors"):
        assert (own / name).read_bytes() == (tiny_painter / name).read_bytes(), name
    open_painter(own).verify(lambda *_: None, CancelToken())


def test_damaged_weights_are_refused(tiny_painter: Path, tmp_path: Path) -> None:
    painting = tiny_painting()
    painting.painter.config.num_hidden_layers = 3
    painting.save_packed(tmp_path)
    with pytest.raises(ValueError, match="do not fit"):
        PaintingModel.load_packed(tmp_path)


@pytest.mark.parametrize("pictures", [1, 2])
def test_the_graphs_paint_what_the_model_paints(
    tiny_painter: Path, text: Tensor, pictures: int
) -> None:
    """All four cells, guided and with noise, for one picture and for several."""
    painting, text = PaintingModel.load_packed(tiny_painter), text[:pictures]
    model = painting.painter
    read, paint, draw = (
        onnxruntime.InferenceSession(str(tiny_painter / name), providers=["CPUExecutionProvider"])
        for name in (READ, PAINT, DRAW)
    )
    noise = torch.randn(pictures, PARTS, CODES, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        strokes = painted(model, text, [brush(pictures, 2.0, noise)] * CELLS)
    feeds = {name: np.ones(1, np.float32) for name in ("temperature", "least", "guidance")}
    feeds |= {"least": np.full(1, 1e-30, np.float32), "guidance": np.full(1, 2.0, np.float32)}
    past = read.run(None, {"input_ids": text.numpy()})
    before = np.zeros((pictures, PARTS), np.int64)
    for cell, stroke in enumerate(strokes):
        known = {f"past_{name}": each for name, each in zip(names(), past, strict=True)}
        given = {"before": before, "cell": np.array([cell]), "visible": text.numpy() != 0}
        before, *past, attention = paint.run(
            None, {**feeds, **known, **given, "noise": noise.numpy()}
        )
        assert np.array_equal(before, stroke.codes.numpy())
        np.testing.assert_allclose(attention, stroke.attention.numpy(), atol=1e-5)
    codes = codes_of(strokes).unflatten(1, (SIDE, SIDE))
    drawn = torch.ones(codes.shape[:-1], dtype=torch.bool)
    (pixels,) = draw.run(None, {"codes": codes.numpy(), "drawn": drawn.numpy()})
    with torch.no_grad():
        wanted = painting.coder.decode(codes)
    np.testing.assert_allclose(pixels, wanted.numpy(), atol=1e-4)


def names() -> list[str]:
    return [f"{kind}.{layer}" for layer in range(2) for kind in ("keys", "values")]


def past_shape(past: list[KeyValue]) -> tuple[int, ...]:
    return tuple(past[0][0].shape)


def test_the_text_is_read_with_and_without(painting: PaintingModel, text: Tensor) -> None:
    """Twice as many rows: the sentences, then as many empty ones."""
    past = painting.painter.read(text)
    assert past_shape(past) == (4, 2, TEXT, 16)
    torch.testing.assert_close(past[0][0][2], past[0][0][3])
    assert not torch.allclose(past[0][0][0], past[0][0][2])


FREELY = PaintSettings(1.0, 0.0, 1.0)


def test_heads_are_chosen_by_what_leaving_a_word_out_changes(
    tiny_painter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "own"
    shutil.copytree(tiny_painter, own)
    told = [Told("t", "i", f"A {noun}", "?", "dog", named=noun) for noun in ("dog", "runs")]
    monkeypatch.setattr(map_heads, "told_of", lambda *_: [*told, Told("t", "i", "A dog", "?", "")])
    said = map_heads.choose_heads(tmp_path, own, 3).splitlines()
    heads = open_painter(own).manifest.heads
    assert 1 <= len(heads) == len(said) <= 4
    values = [float(line.rpartition(" ")[2]) for line in said]
    assert values == sorted(values), "each makes it better"
    assert said[0].startswith(f"with layer {heads[0][0]}, head {heads[0][1]}")
    with_heads, without = (
        drawn_by(each, RuntimeName.ONNX_CPU, 3).paintings[0].drawing for each in (own, tiny_painter)
    )
    assert not np.allclose(with_heads.maps, without.maps)
    np.testing.assert_allclose(with_heads.maps.sum(axis=0), 1, atol=1e-5)


def drawn_by(
    folder: Path, runtime: RuntimeName, seed: int, how: PaintSettings | None = FREELY
) -> PaintOutcome:
    painter = PaintEngine(folder, runtime)
    painter.load()
    try:
        return painter.paint(
            PaintRequest(1, "A dog runs", seed, 2, how),
            CancelToken(),
            lambda _: None,
        )
    finally:
        painter.close()


def test_both_runtimes_draw_the_same_picture(tiny_painter: Path) -> None:
    with_onnx, with_torch = (
        drawn_by(tiny_painter, name, 3) for name in (RuntimeName.ONNX_CPU, RuntimeName.TORCH)
    )
    assert [each.kind for each in (with_onnx, with_torch)] == ["done", "done"]
    for one, other in zip(with_onnx.paintings, with_torch.paintings, strict=True):
        assert int(np.abs(one.pixels.astype(int) - other.pixels).max()) <= 1
        np.testing.assert_allclose(one.drawing.maps, other.drawing.maps, atol=1e-5)
        assert [word.text for word in one.drawing.words] == ["A", "dog", "runs"]
        assert float(one.drawing.maps.min()) > 0, "each cell read each word"
    assert not np.array_equal(with_onnx.paintings[0].pixels, with_onnx.paintings[1].pixels)


def test_a_stopped_picture_leaves_the_painter_well(tiny_painter: Path) -> None:
    painter, cancel = PaintEngine(tiny_painter, RuntimeName.ONNX_CPU), CancelToken()
    painter.load()
    request = PaintRequest(1, "A dog runs")
    stopped = painter.paint(request, cancel, lambda step: cancel.cancel())
    assert stopped.kind == "cancelled"
    assert painter.paint(request, CancelToken(), lambda _: None).kind == "done"
    painter.close()


def test_the_command_writes_a_picture_with_its_prompt_inside(
    tiny_painter: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "dog.png"
    told = ["draw", "A dog runs", "--model", str(tiny_painter), "--out", str(out), "--seed", "3"]
    assert cli.main([*told, "--pictures", "2", "--json", "--runtime", "onnx-cpu"]) == 0
    with Image.open(out) as picture:
        assert picture.size == (64, 32)
        assert (picture.info["prompt"], picture.info["seed"]) == ("A dog runs", "3")
        pixels = np.asarray(picture)
    known = drawn_by(tiny_painter, RuntimeName.ONNX_CPU, 3, None).paintings
    assert np.array_equal(pixels, np.concatenate([each.pixels for each in known], axis=1))
    found = json.loads(capsys.readouterr().out)
    assert [each["word"] for each in found["words"]] == ["A", "dog", "runs"]
    assert sum(each["share"] for each in found["words"]) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--out", "a.jpg"], "PNG"),
        (["--out", "a.png"], "No painter is chosen"),
        (["--out", "a.png", "--model", "."], "manifest.json is missing"),
    ],
)
def test_the_command_says_what_is_wrong(
    options: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("mmgpt_desktop.commands.draw.painter_path", lambda: None)
    assert cli.main(["draw", "A dog", *options]) == 2
    assert said in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
