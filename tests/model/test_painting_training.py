"""From photos to a painter, on a few tiny photos."""

from __future__ import annotations

import copy
import json
import random
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tokenizers import Tokenizer

from mmgpt_desktop import cli
from mmgpt_desktop.engine.painting.flow_folder import open_flow
from mmgpt_desktop.engine.painting.known_words import KnownWords
from mmgpt_desktop.errors import AppError
from mmgpt_desktop.model.packing import load_packed
from mmgpt_desktop.model.painting.flow_painter import FlowPainter
from mmgpt_desktop.model.painting.packed import PaintingModel
from mmgpt_desktop.model.painting.painter import MMGPTPainter
from mmgpt_desktop.model.painting.painter_config import FlowPainterConfig
from mmgpt_desktop.model.painting.picture_coder import PictureCoder
from mmgpt_desktop.resources import mini_path
from mmgpt_desktop.training.__main__ import main
from mmgpt_desktop.training.evaluation.metrics import Score
from mmgpt_desktop.training.evaluation.reconstruction import jpeg, psnr, reconstruction
from mmgpt_desktop.training.painting.codes import CodedPhotos
from mmgpt_desktop.training.painting.enlarger_training import last_coder
from mmgpt_desktop.training.painting.flow_training import begun_flow
from mmgpt_desktop.training.painting.judge import Judge
from mmgpt_desktop.training.painting.painter_bundle import words_of
from mmgpt_desktop.training.painting.painter_training import PromptLayout, ToldPictures
from mmgpt_desktop.training.painting.prompts import drawn_from, numbers, prompts
from mmgpt_desktop.training.painting.seen_colour import seen_colour
from mmgpt_desktop.training.painting.seen_difference import SeenDifference
from mmgpt_desktop.training.painting.shown import as_bytes, as_tensor, how_often, part
from mmgpt_desktop.training.painting.titles import said_by_title
from mmgpt_desktop.training.tokenizer import train_on
from tests.model.painting_models import TINY_CODER, tiny_painter_config, tiny_painting

ROSE, SHIRT, DOG = (
    "images/flowers102/rose.png",
    "images/clothing/shirt.png",
    "images/flickr8k/dog.png",
)
RECONSTRUCTION = "mmgpt_desktop.training.evaluation.reconstruction"
CAPTIONS = ["A dog runs.", "A brown dog on grass.", "The dog jumps left.", "Dogs play."]


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the Trainer's own
        yield


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A red rose, a blue T-shirt and a dog of many colours, each for training and for choosing."""
    folder = tmp_path_factory.mktemp("data")
    rows = []
    for split in ("train", "dev"):
        for image, colour in ((ROSE, (200, 10, 20)), (SHIRT, (20, 30, 200)), (DOG, None)):
            name = image.replace(".png", f"-{split}.png")
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            noise = np.random.default_rng(1).integers(0, 255, (40, 48, 3), np.uint8)
            photo = Image.fromarray(noise) if colour is None else Image.new("RGB", (48, 40), colour)
            photo.save(path)
            told = {"image": name, "split": split, "question": ""}
            if image == DOG:
                rows += [told | {"kind": "caption", "answer": each} for each in CAPTIONS]
            else:
                label = "rose" if image == ROSE else "t-shirt"
                rows.append(told | {"kind": "label", "answer": label})
    (folder / "texts.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return folder


def of(split: str, image: str) -> str:
    return image.replace(".png", f"-{split}.png")


@pytest.mark.parametrize(
    ("colour", "name"),
    [
        ((200, 10, 20), "red"),
        ((240, 230, 30), "yellow"),
        ((250, 150, 170), "pink"),
        ((110, 70, 30), "brown"),
        ((245, 245, 240), "white"),
        ((10, 12, 14), "black"),
        ((120, 122, 119), "gray"),
        ((130, 60, 180), "purple"),
        ((30, 160, 40), ""),
    ],
)
def test_what_is_in_the_middle_has_a_colour(colour: tuple[int, int, int], name: str) -> None:
    photo = np.full((60, 80, 3), (30, 160, 40), np.uint8)
    photo[20:40, 25:55] = colour
    assert seen_colour(photo) == name


def test_many_colours_are_none() -> None:
    assert seen_colour(np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)) == ""


def test_a_part_is_square_and_the_middle_stays_as_it_is() -> None:
    photo = np.zeros((40, 80, 3), np.uint8)
    photo[:, 20:60] = 200
    whole = part(photo, 16, None)
    assert whole.shape == (16, 16, 3)
    assert int(whole[:, 2:-2].min()) > 190
    parts = [part(photo, 16, random.Random(seed)) for seed in range(8)]
    assert len({each.tobytes() for each in parts}) > 4


def test_pixels_come_back_from_numbers() -> None:
    photo = np.random.default_rng(0).integers(0, 255, (8, 8, 3), np.uint8)
    numbers_ = as_tensor(photo)
    assert float(numbers_.abs().max()) <= 1
    assert np.array_equal(as_bytes(numbers_), photo)
    assert int(as_bytes(torch.full((3, 2, 2), 5.0)).min()) == 255, "what is too bright is white"


def test_what_looks_alike_is_near() -> None:
    seen = SeenDifference(load_packed(mini_path()).encoder)
    photo = as_tensor(np.asarray(Image.effect_noise((64, 64), 80).convert("RGB")).copy())[None]
    near, far = photo + 0.02, torch.zeros_like(photo)
    assert float(seen(photo, photo)) == 0
    assert 0 < float(seen(photo, near)) < float(seen(photo, far))


def test_it_is_told_what_is_seen_in_both_languages(data: Path) -> None:
    told = prompts(data, "train")
    assert set(told) == {of("train", each) for each in (ROSE, SHIRT, DOG)}
    rose, shirt = told[of("train", ROSE)], told[of("train", SHIRT)]
    assert {"a rose", "A close-up of a flower, a rose.", "a red rose"} <= set(rose)
    assert {"玫瑰", "红色的玫瑰"} <= set(rose)
    assert "a blue t-shirt" in shirt
    assert set(CAPTIONS) - set(told[of("train", DOG)]) == {"The dog jumps left."}


def test_dogs_are_drawn_more_often_than_other_scenes() -> None:
    dog, boat = how_often(DOG, CAPTIONS), how_often(DOG, ["A boat.", "A dog in a boat."])
    assert dog > boat > 0
    assert how_often(ROSE, ["a rose"]) > boat
    assert how_often("images/elsewhere/a.png", CAPTIONS) == _dogs()


def _dogs() -> float:
    return how_often(DOG, CAPTIONS)


def test_a_prompt_is_cut_and_filled_up(tiny_tokenizer: Path) -> None:
    tokenizer = Tokenizer.from_file(str(tiny_tokenizer))
    short, long = numbers(tokenizer, ["yes", "A dog runs. " * 9], 6, 0)
    assert len(short) == len(long) == 6
    assert short[-1] == 0
    assert 0 not in long
    said = {drawn_from(["A dog runs."], random.Random(seed)) for seed in range(40)}
    assert said == {"A dog runs.", "A dog runs", "a dog runs.", "a dog runs"}


@pytest.fixture(scope="module")
def work(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The coder's training, and the photos' codes."""
    folder = tmp_path_factory.mktemp("work")
    common = ["--data", str(data), "--work", str(folder)]
    small = ["--steps", "4", "--batch", "2", "--warmup", "1", "--save-every", "2"]
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = "mmgpt_desktop.training.painting.coder_training"
        patch.setattr(f"{module}.PictureCoderConfig", lambda: TINY_CODER)
        main(["picture-coder", *common, *small, "--learning-rate", "0.003"])
        main(["picture-codes", *common, "--looks", "3"])
    return folder


def test_the_coder_learns(work: Path) -> None:
    """It is measured on its way, in decibels and by looks."""
    checkpoint = work / "painting" / "picture-coder-checkpoints" / "checkpoint-4"
    state = json.loads((checkpoint / "trainer_state.json").read_text(encoding="utf-8"))
    measured = [row for row in state["log_history"] if "eval_psnr" in row]
    assert measured
    assert measured[-1]["eval_psnr"] > 3
    coder = PictureCoder.from_pretrained(work / "painting" / "picture-coder")
    assert coder.config.levels == list(TINY_CODER.levels)


def test_a_smaller_decoder_learns_the_same_codes(work: Path, data: Path) -> None:
    common = ["--data", str(data), "--work", str(work), "--width", "64"]
    small = ["--steps", "4", "--batch", "2", "--warmup", "1", "--save-every", "2"]
    main(["picture-decoder", *common, *small, "--judged-from", "2"])
    before, after = (
        PictureCoder.from_pretrained(work / "painting" / name)
        for name in ("picture-coder", "picture-decoder")
    )
    assert tuple(after.config.drawing_widths) == (64, 48, 32, 16)
    for name, weights in before.encoder.state_dict().items():
        assert torch.equal(weights, after.encoder.state_dict()[name]), "codes mean the same"
    state = work / "painting" / "picture-decoder-checkpoints" / "checkpoint-4"
    rows = json.loads((state / "trainer_state.json").read_text(encoding="utf-8"))["log_history"]
    assert any("eval_psnr" in row for row in rows)


def test_an_encoder_is_learnt_for_the_decoder_of_a_painter(data: Path, tmp_path: Path) -> None:
    """Whoever has the painter alone can make its codes of photos again."""
    painter, work = tmp_path / "tiny", tmp_path / "work"
    painter.mkdir()
    larger = copy.deepcopy(TINY_CODER)
    larger.enlarging_width = 16
    tiny_painting()._replace(coder=PictureCoder(larger)).save_packed(painter)
    common = ["--data", str(data), "--work", str(work), "--painter", str(painter)]
    small = ["--steps", "4", "--batch", "2", "--warmup", "1", "--save-every", "2"]
    main(["picture-encoder", *common, *small])
    before = PaintingModel.load_packed(painter).coder
    after = PictureCoder.from_pretrained(work / "painting" / "picture-coder")
    for name, weights in before.decoder.state_dict().items():
        assert torch.equal(weights, after.decoder.state_dict()[name]), "codes mean the same"
    assert (before.config.drawn_size, after.config.drawn_size) == (64, 32)
    first = next(iter(before.encoder.state_dict()))
    assert not torch.equal(before.encoder.state_dict()[first], after.encoder.state_dict()[first])
    main(["picture-codes", *common[:4], "--looks", "1"])
    assert CodedPhotos.open(work / "painting").codes.shape == (6, 1, 4, 3)


def test_pictures_learn_to_be_twice_as_large_and_a_painter_gets_it(
    data: Path, tiny_painter: Path, tmp_path: Path
) -> None:
    own, painter = tmp_path / "work", tmp_path / "painter"
    PaintingModel.load_packed(tiny_painter).coder.save_pretrained(own / "painting/picture-coder")
    shutil.copytree(tiny_painter, painter)
    common = ["--data", str(data), "--work", str(own), "--width", "16", "--blocks", "1"]
    small = ["--steps", "4", "--batch", "2", "--warmup", "1", "--save-every", "2"]
    main(["picture-enlarger", *common, *small, "--judged-from", "2", "--alone"])
    before, after = (
        PictureCoder.from_pretrained(own / "painting" / name).eval()
        for name in ("picture-coder", "picture-enlarger")
    )
    assert (before.config.drawn_size, after.config.drawn_size) == (32, 64)
    for name, weights in before.state_dict().items():
        assert torch.equal(weights, after.state_dict()[name]), "the rest stays"
    further = [*common[:4], *small, "--start", str(own / "painting" / "picture-enlarger")]
    shutil.rmtree(own / "painting" / "picture-enlarger-checkpoints")
    main(["picture-enlarger", *further])
    learnt = PictureCoder.from_pretrained(own / "painting" / "picture-enlarger").state_dict()
    for name, weights in before.state_dict().items():
        same = name.startswith("encoder.")
        assert torch.equal(weights, learnt[name]) is same, "codes mean the same"
    main(["painter-coder", "--work", str(own), "--painter", str(painter)])
    manifest = json.loads((painter / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["size"] == 64
    assert "64 pixels" in manifest["description"]
    gpt, kept = (PaintingModel.load_packed(each).painter for each in (tiny_painter, painter))
    for name, weights in gpt.state_dict().items():
        assert torch.equal(weights, kept.state_dict()[name]), "it is not packed a second time"
    with Image.open(drawn_by_command(painter, tmp_path / "rose.png")) as drawn:
        assert drawn.size == (64, 64)


def drawn_by_command(painter: Path, picture: Path) -> Path:
    told = ["draw", "A dog runs", "--model", str(painter), "--out", str(picture)]
    assert cli.main(told) == 0
    return picture


def test_at_first_what_lies_between_pixels_is_drawn() -> None:
    config = copy.deepcopy(TINY_CODER)
    config.enlarging_width = 16
    coder, codes = PictureCoder(config).eval(), torch.randint(0, 35, (1, 2, 2, 3))
    assert coder.enlarger is not None
    small = coder.decoder(coder.quantizer.decode(codes).permute(0, 3, 1, 2))
    for each in (coder.enlarger.last.weight, coder.enlarger.last.bias):
        assert each is not None
        torch.nn.init.zeros_(each)
    between = torch.nn.functional.interpolate(small, scale_factor=2.0, mode="bilinear")
    torch.testing.assert_close(coder.decode(codes), between)


@pytest.mark.parametrize("what", ["levels", "weights"])
def test_a_coder_of_other_codes_is_refused(tiny_painter: Path, tmp_path: Path, what: str) -> None:
    own, painter = tmp_path / "work", tmp_path / "painter"
    shutil.copytree(tiny_painter, painter)
    config = copy.deepcopy(TINY_CODER)
    if what == "levels":
        config.levels = (5, 5)
    coder = PictureCoder(config)
    for parameter in coder.decoder.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    coder.save_pretrained(own / "painting" / "picture-coder")
    with pytest.raises(SystemExit, match="other codes"):
        main(["painter-coder", "--work", str(own), "--painter", str(painter)])
    weights = "model.safetensors"
    assert (painter / weights).read_bytes() == (tiny_painter / weights).read_bytes()


def test_no_coder_and_one_of_another_encoder_are_told(tmp_path: Path) -> None:
    with pytest.raises(AppError, match="no coder of pictures in"):
        last_coder(tmp_path)
    for name in ("picture-coder", "picture-enlarger"):
        PictureCoder(TINY_CODER).save_pretrained(tmp_path / "painting" / name)
    with pytest.raises(AppError, match="for another coder"):
        last_coder(tmp_path)


def test_what_comes_back_is_compared_with_jpeg(
    work: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"{RECONSTRUCTION}.images_of", lambda _, split: [of("dev", ROSE)])
    seen = SeenDifference(load_packed(mini_path()).encoder)
    coder = PictureCoder.from_pretrained(work / "painting" / "picture-coder").eval()
    decibels, look = reconstruction(data, coder, seen, 5)
    assert (decibels.measure, decibels.items) == ("PSNR, dB", 1)
    (jpegs,) = decibels.blind
    assert jpegs == "JPEG of 8 bytes after its header"
    values = [each.model.value for each in (decibels, look) if isinstance(each.model, Score)]
    assert 3 < values[0] < decibels.blind[jpegs].value
    assert values[1] > look.blind[jpegs].value, "a red square is easy for JPEG"


def test_jpeg_is_made_smaller_until_it_fits() -> None:
    pixels = as_bytes(torch.linspace(-1, 1, 3 * 64 * 64).reshape(1, 3, 64, 64))[0]
    assert psnr(pixels, pixels) > 100
    few, many = (psnr(pixels, jpeg(pixels, most)) for most in (60, 2000))
    assert many > few > 10


@pytest.mark.parametrize(
    ("title", "said"),
    [
        ("ADIDAS Originals Men Black Tshirt", {"a black t-shirt", "黑色的T恤"}),
        ("Lee Men Navy Blue Jeans", {"blue jeans", "蓝色的牛仔裤"}),
        ("Orange & Red Cap", set()),
        ("Nike Men Black Perfume", set()),
        ("", set()),
    ],
)
def test_a_title_says_colour_and_thing(title: str, said: set[str]) -> None:
    assert set(said_by_title(title)) == said


def test_a_judge_learns_to_tell_photos_from_drawings() -> None:
    torch.manual_seed(0)
    judge = Judge()
    photos, drawn = torch.randn(4, 3, 32, 32), torch.randn(4, 3, 32, 32) / 4
    losses = [judge.learn(photos, drawn) for _ in range(12)]
    assert losses[-1] < losses[0] / 2
    assert float(judge(photos).mean()) > float(judge(drawn).mean())
    assert not any(each.requires_grad for each in judge.parameters()), "drawings are judged only"


def test_the_words_that_were_taught_are_counted_by_prompts(tmp_path: Path) -> None:
    tokenizer = tmp_path / "tokenizer.json"
    train_on(["A dog runs. a red rose"] * 4, 300).save(str(tokenizer))
    said = ["A dog runs.", "a dog, a dog", "The dog sits", "a red rose", "a rose"]
    known = words_of(said, tokenizer)
    known.write(tmp_path / "words.txt")
    assert (tmp_path / "words.txt").read_text(encoding="utf-8") == "4 a\n3 dog\n"
    assert KnownWords.read(tmp_path / "words.txt").unknown(["Dog", "rose"]) == ["rose"]


def test_each_photo_is_kept_as_codes_of_several_parts(work: Path, data: Path) -> None:
    coded = CodedPhotos.open(work / "painting")
    assert coded.codes.shape == (6, 3, 4, 3)
    assert set(coded.index) == {
        of(s, each) for s in ("train", "dev") for each in (ROSE, SHIRT, DOG)
    }
    assert 0 <= int(coded.codes.min()) <= int(coded.codes.max()) < 35
    coder = PictureCoder.from_pretrained(work / "painting" / "picture-coder").eval()
    photo = np.asarray(Image.open(data / of("train", ROSE)).convert("RGB"))
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        codes = coder.encode(as_tensor(part(photo, 32, None))[None])
    kept = coded.codes[coded.index[of("train", ROSE)], 0]
    assert np.mean(kept == codes.numpy().reshape(4, 3)) > 0.9


def test_a_painter_trains_on_what_is_told_of_codes(
    work: Path, data: Path, tiny_tokenizer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = "mmgpt_desktop.training.painting.painter_training"
    monkeypatch.setattr(f"{module}.PainterConfig", tiny_painter_config)
    monkeypatch.setattr(f"{module}.DEV_ROWS", 4)
    common = ["--data", str(data), "--work", str(work), "--tokenizer", str(tiny_tokenizer)]
    small = ["--steps", "12", "--batch", "4", "--warmup", "1", "--save-every", "6"]
    main(["painter", *common, *small, "--learning-rate", "0.01"])
    state = work / "painting" / "painter-checkpoints" / "checkpoint-12" / "trainer_state.json"
    rows = json.loads(state.read_text(encoding="utf-8"))["log_history"]
    losses = [row["eval_loss"] for row in rows if "eval_loss" in row]
    assert losses[-1] < np.log(35)
    painter = MMGPTPainter.from_pretrained(work / "painting" / "painter")
    assert painter.config.vocab_size == Tokenizer.from_file(str(tiny_tokenizer)).get_vocab_size()


def test_some_pictures_are_told_nothing_in_training_and_none_in_choosing(
    work: Path, data: Path, tiny_tokenizer: Path
) -> None:
    tokenizer = Tokenizer.from_file(str(tiny_tokenizer))
    coded, layout = CodedPhotos.open(work / "painting"), PromptLayout(tokenizer, 6, 0)
    for split, moved in (("train", True), ("dev", False)):
        said = prompts(data, split)
        rows = ToldPictures(said, coded, layout, 60, 1, moved=moved)
        untold = sum(not rows[number]["input_ids"].any() for number in range(60))
        assert 1 <= untold <= 20 if moved else untold == 0
        assert torch.equal(rows[3]["codes"], rows[3]["labels"])
        again = ToldPictures(said, coded, layout, 60, 1, moved=moved)
        assert torch.equal(rows[5]["codes"], again[5]["codes"])


def test_a_flow_painter_trains_on_the_words_of_a_gpt_and_is_packed_beside_it(
    work: Path, data: Path, tiny_painter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    painter = tmp_path / "tiny"
    shutil.copytree(tiny_painter, painter)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = "mmgpt_desktop.training.painting.flow_training"
        monkeypatch.setattr(f"{module}.FlowPainterConfig", tiny_flow)
        monkeypatch.setattr(f"{module}.DEV_ROWS", 4)
        common = ["--work", str(work), "--painter", str(painter)]
        small = ["--steps", "16", "--batch", "4", "--warmup", "1", "--save-every", "4"]
        main(["flow-painter", "--data", str(data), *common, *small, "--learning-rate", "0.01"])
        main(["flow-bundle", *common, "--out", str(tmp_path / "flow")])
    state = work / "painting" / "flow-painter-checkpoints" / "checkpoint-16" / "trainer_state.json"
    rows = json.loads(state.read_text(encoding="utf-8"))["log_history"]
    losses = [row["eval_loss"] for row in rows if "eval_loss" in row]
    assert losses[-1] < losses[0]
    trained = FlowPainter.from_pretrained(work / "painting" / "flow-painter")
    assert (trained.config.channels, trained.config.text_width) == (6, 64)
    again = begun_flow(tmp_path / "flow", 0.3)
    assert again.config.dropout == 0.3
    before = trained.state_dict()
    for name, weights in again.state_dict().items():
        error = (weights - before[name]).norm() / before[name].norm().clamp(min=1e-9)
        assert float(error) < 0.12, name  # matrices are of 4 bits
    folder = open_flow(tmp_path / "flow")
    assert (folder.info.size, folder.info.side) == (32, 2)
    assert folder.painter.path == painter


def tiny_flow(**given: Any) -> FlowPainterConfig:
    return FlowPainterConfig(hidden_size=32, num_hidden_layers=2, num_attention_heads=2, **given)
