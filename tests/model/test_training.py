"""The stages of training, from photos to a model, on a few tiny photos."""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from tokenizers import Tokenizer
from transformers import LlamaConfig, LlamaForCausalLM

from mmgpt_desktop.embedded import ADAPTERS
from mmgpt_desktop.engine.folder.measured import read_facts
from mmgpt_desktop.errors import AppError
from mmgpt_desktop.model import MMGPTForConditionalGeneration
from mmgpt_desktop.model.configuration import CONCAT, CROSS_ATTENTION, FUSIONS, GRAPH
from mmgpt_desktop.model.modelling import IGNORED
from mmgpt_desktop.model.packing import load_packed, unpack
from mmgpt_desktop.question_kinds import is_chinese
from mmgpt_desktop.resources import mini_path
from mmgpt_desktop.training import looks
from mmgpt_desktop.training import train as stage
from mmgpt_desktop.training.__main__ import STAGES, main
from mmgpt_desktop.training.calibrate import TEMPERATURES, answers, calibrate, dev_questions
from mmgpt_desktop.training.encoder_weights import pretrained_encoder
from mmgpt_desktop.training.evaluation.tasks import PhotoQuestion
from mmgpt_desktop.training.features import FeatureStore, read_pixels
from mmgpt_desktop.training.head_scores import score_heads
from mmgpt_desktop.training.labels import LabelMaps
from mmgpt_desktop.training.mixture import DEFAULT, Mixture
from mmgpt_desktop.training.photo_texts import APART, COCO_APART, is_kept_back, load_texts
from mmgpt_desktop.training.photo_views import view_of
from mmgpt_desktop.training.recipes import Recipe
from mmgpt_desktop.training.reward import (
    ANSWER_TOKENS,
    WORTH_OF_TRUTH,
    Judges,
    advantages,
    fitting,
    sample,
)
from mmgpt_desktop.training.rows import END_ID
from mmgpt_desktop.training.train import trainer_arguments
from mmgpt_desktop.training.truth import Truth, mapped_photos
from tests.families.checkpoints import byte_tokenizer
from tests.families.tiny_flamingo import SPECIAL
from tests.model.conftest import tiny_config

COLOURS = {"red": (200, 20, 20), "green": (20, 200, 20), "blue": (20, 20, 200), "white": (255,) * 3}
DEFINITIONS = [f"word {number}: what is number {number}." for number in range(120)]
SMALL = ["--length", "32", "--warmup", "1", "--learning-rate", "0.01", "--save-every", "2"]


@pytest.fixture(autouse=True)
def quiet_and_small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for module in ("tokenizer", "pretrain"):
        path = f"mmgpt_desktop.training.{module}.definitions"
        monkeypatch.setattr(path, lambda: list(DEFINITIONS))
    monkeypatch.setattr("mmgpt_desktop.training.pretrain.new_model", tiny_model)
    monkeypatch.setattr(stage, "DEV_SAMPLES", 6)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the Trainer's own
        yield


def tiny_model(
    tokenizer: Tokenizer | None = None, seed: int = 1, latents: int = 0
) -> MMGPTForConditionalGeneration:
    torch.manual_seed(seed)
    config = tiny_config(latents)
    config.grid_size, config.vocab_size = 16, 8192
    return MMGPTForConditionalGeneration(config)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One photo of each colour, white for dev, and one whose left eighth is a cat."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "images" / "coco").mkdir(parents=True)
    rows = []
    for name, colour in COLOURS.items():
        image = f"images/coco/{name}.png"
        Image.new("RGB", (40, 30), colour).save(folder / image)
        row = {"image": image, "split": "dev" if name == "white" else "train"}
        rows.append(row | {"kind": "vqa", "question": "what color is it", "answer": name})
        rows.append(row | {"kind": "caption", "question": "", "answer": f"a boy in a {name} shirt"})
    plant_cat(folder)
    row = {"image": "images/ade20k/a.jpg", "kind": "scene", "question": "", "answer": "hall"}
    rows.append(row | {"split": "train"})
    (folder / "texts.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return folder


def plant_cat(folder: Path) -> None:
    (folder / "images" / "ade20k").mkdir(parents=True)
    (folder / "labels" / "ade20k").mkdir(parents=True)
    photo = Image.new("RGB", (64, 64))
    photo.paste((250, 200, 40), (0, 0, 8, 64))
    photo.save(folder / "images/ade20k/a.jpg")
    classes = np.ones((64, 64), np.uint8)
    classes[:, :8] = 2
    Image.fromarray(classes).save(folder / "labels/ade20k/a.png")
    table = "Idx\tRatio\tTrain\tVal\tName\n1\t0\t0\t0\tsky\n2\t0\t0\t0\tcat\n"
    (folder / "labels" / "ade20k_objects.txt").write_text(table, encoding="utf-8")


@pytest.fixture(scope="module")
def prepared(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A work folder with features and a tokenizer."""
    work = tmp_path_factory.mktemp("work")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mmgpt_desktop.training.tokenizer.definitions", lambda: list(DEFINITIONS))
        main(["features", "--data", str(data), "--work", str(work)])
        main(["tokenizer", "--data", str(data), "--work", str(work)])
    return work


@pytest.fixture
def work(prepared: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(prepared, tmp_path / "work"))


def losses(work: Path, run: str, step: int) -> dict[str, list[float]]:
    state = (work / run / f"checkpoint-{step}" / "trainer_state.json").read_text(encoding="utf-8")
    found: dict[str, list[float]] = {}
    for row in json.loads(state)["log_history"]:
        for name, value in row.items():
            if name.endswith("_loss"):
                found.setdefault(name, []).append(value)
    return found


def test_every_stage_lowers_the_loss(
    data: Path, work: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    common = ["--data", str(data), "--work", str(work)]
    main(["pretrain", *common, *SMALL, "--batch", "4", "--steps", "12"])
    assert "perplexity a token, held-out definitions: " in capsys.readouterr().out
    held_out = losses(work, "pretraining", 12)
    assert set(held_out) == {"eval_captions_loss", "eval_definitions_loss"}
    learned = held_out["eval_definitions_loss"]  # nearly all of the text is of their kind
    assert learned[-1] < learned[0] - 0.5
    main(["train", *common, *SMALL, "--batch", "4", "--steps", "12"])
    dev = losses(work, "checkpoints", 12)
    assert set(dev) == {f"eval_{fusion}_loss" for fusion in FUSIONS}
    assert all(values[-1] < values[0] for values in dev.values()), dev
    model = MMGPTForConditionalGeneration.from_pretrained(work / "model")
    assert not any(parameter.isnan().any() for parameter in model.parameters())
    first, trained = tiny_model().state_dict(), model.state_dict()
    frozen = "encoder.blocks.3.layers.0.0.weight"
    assert torch.equal(trained[frozen], first[frozen])
    for name in ("embedding.weight", "joiner.join.weight", "graph.rounds.0.output.weight"):
        assert not torch.equal(trained[name], first[name])
    main(["curves", "--work", str(work), "--out", str(tmp_path / "curves.png")])
    with Image.open(tmp_path / "curves.png") as picture:
        assert picture.size == (1200, 700)
    runs = [json.loads(line)["run"] for line in (work / "log.jsonl").read_text().splitlines()]
    assert sorted(set(runs)) == ["checkpoints", "pretraining"]


class Spoken:
    """A language model of as many layers as the true one, and words for it."""

    def __init__(self, _gguf: Path) -> None:
        self.backend_tokenizer = byte_tokenizer(SPECIAL)

    def __iter__(self) -> Iterator[Any]:
        torch.manual_seed(3)
        config = LlamaConfig(
            vocab_size=self.backend_tokenizer.get_vocab_size(),
            hidden_size=32,
            intermediate_size=32,
            num_hidden_layers=30,
            num_attention_heads=2,
        )
        return iter((LlamaForCausalLM(config), self))


def test_looks_are_trained_and_go_on_where_they_stopped(
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(looks, "read_language", Spoken)
    monkeypatch.setattr(looks, "DEV_ROWS", 4)
    work, bundle = tmp_path / "work", mini_path()
    main(["features", "--data", str(data), "--work", str(work), "--start", str(bundle)])
    store = FeatureStore.open(work / "features")
    pixels = torch.from_numpy(read_pixels(data / "images/coco/red.png"))[None]
    kept = torch.from_numpy(np.array(store.cells("images/coco/red.png")[1], np.float32))
    with torch.inference_mode():
        learned, untaught = (
            (encoder.backbone(pixels)[1].flatten(2).mT[0] - kept).abs().mean()
            for encoder in (load_packed(bundle).encoder, pretrained_encoder())
        )
    assert 4 * learned < untaught  # the bundle's encoder has learnt since

    common = ["looks", "--data", str(data), "--work", str(work), "--language", "any.gguf", *SMALL]
    main([*common, "--length", "96", "--batch", "4", "--steps", "4"])
    dev = losses(work, "checkpoints", 4)["eval_loss"]
    shutil.rmtree(work / "checkpoints" / "checkpoint-4")
    whole = load_file(work / "model" / ADAPTERS)
    main([*common, "--length", "96", "--batch", "4", "--steps", "4"])
    resumed = load_file(work / "model" / ADAPTERS)
    assert dev[0] > 0
    for name, each in whole.items():
        assert torch.allclose(resumed[name], each, atol=1e-5), name

    ours = [*common[1:7], "--start", str(work / "model")]
    capsys.readouterr()
    main(["looks-check", *ours])
    assert "made: who: " in capsys.readouterr().out
    main(["looks-bundle", *ours, "--out", str(tmp_path / "ours")])
    facts = read_facts(tmp_path / "ours")
    assert facts.languages == ("en",)
    assert facts.certainty is not None
    packed = unpack(load_file(tmp_path / "ours" / ADAPTERS))
    assert packed.keys() == whole.keys()


WITHOUT_DATA = {
    *("average", "graphs", "curves", "failures"),
    *("flow-bundle", "painter-graphs", "painter-coder"),
}
RUNS = {
    *("pretrain", "train", "looks", "reward"),
    *("picture-coder", "picture-encoder", "picture-decoder", "picture-enlarger"),
    *("painter", "flow-painter"),
}


@pytest.mark.parametrize("stage", STAGES)
def test_each_stage_says_what_it_takes(stage: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([stage, "--help"])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert STAGES[stage].summary in " ".join(said.split())
    assert ("--data" in said) is (stage not in WITHOUT_DATA)
    assert ("--learning-rate" in said) is (stage in RUNS)


def test_a_stage_that_nobody_knows_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    for words in ([], ["nonsense"]):
        with pytest.raises(SystemExit):
            main(words)
        assert "STAGE" in capsys.readouterr().err


def test_a_resumed_run_sees_the_same_samples_and_fusions(
    data: Path, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_model().save_pretrained(work / "pretrained")
    seen: list[tuple[str, list[Any]]] = []
    training_step = stage.FusionTrainer.training_step

    def watched(self: Any, model: Any, inputs: Any, *rest: Any) -> Any:
        seen.append((inputs["fusion"], inputs["input_ids"].tolist()))
        return training_step(self, model, inputs, *rest)

    monkeypatch.setattr(stage.FusionTrainer, "training_step", watched)
    command = ["train", "--data", str(data), "--work", str(work), *SMALL, "--batch", "3"]
    main([*command, "--steps", "6"])
    whole = seen[:]
    assert len(whole) == 6
    assert len({fusion for fusion, _ in whole}) > 1
    shutil.rmtree(work / "checkpoints" / "checkpoint-6")  # as if it had been cut off
    seen.clear()
    main([*command, "--steps", "6"])
    assert seen == whole[4:]


def test_a_run_goes_on_from_the_model_that_ships() -> None:
    model = stage.prepared(mini_path(), Recipe(dropout=0.25, resampler=4))
    shipped = load_packed(mini_path()).state_dict()
    learned = {name: each for name, each in model.named_parameters() if "resampler" not in name}
    assert model.resampler is not None
    assert model.config.dropout == 0.25
    assert learned.keys() <= shipped.keys()
    for name, each in learned.items():
        assert torch.equal(each, shipped[name]), name
    assert not model.encoder.classifier.weight.requires_grad


def test_a_model_gets_a_resampler_to_train_and_keeps_it(data: Path, work: Path) -> None:
    tiny_model().save_pretrained(work / "pretrained")
    mixture = work / "mixture.toml"
    drawn = DEFAULT.read_text(encoding="utf-8").replace("graph = 5\nconcat = 2\n", "")
    mixture.write_text(drawn, encoding="utf-8")
    command = ["train", "--data", str(data), "--work", str(work), *SMALL, "--batch", "2"]
    main([*command, "--mixture", str(mixture), "--steps", "2", "--resampler", "4"])
    trained = MMGPTForConditionalGeneration.from_pretrained(work / "model")
    assert trained.config.resampler_latents == 4
    fresh = stage.prepared(work / "pretrained", Recipe(resampler=4))
    assert fresh.resampler is not None
    after = trained.state_dict()
    for name, before in fresh.resampler.named_parameters():
        assert not torch.equal(after[f"resampler.{name}"], before), name
    assert stage.prepared(work / "model", Recipe()).config.resampler_latents == 4
    with pytest.raises(SystemExit, match="model has a resampler of 4 latents already"):
        main([*command, "--start", str(work / "model"), "--steps", "2", "--resampler", "8"])


def test_the_encoders_last_stages_can_learn_along(data: Path, work: Path) -> None:
    tiny_model().save_pretrained(work / "pretrained")
    common = ["--data", str(data), "--work", str(work)]
    main(["train", *common, *SMALL, "--batch", "4", "--steps", "4", "--tuning", "1"])
    first = tiny_model().encoder
    trained = MMGPTForConditionalGeneration.from_pretrained(work / "model").encoder.eval()
    moved = {
        name
        for name, tensor in trained.state_dict().items()
        if not torch.equal(tensor, first.state_dict()[name])
    }
    last = {f"blocks.{place}" for place in range(15, 21)}
    assert {".".join(name.split(".")[:2]) for name in moved} == last
    assert not any("running" in name for name in moved)  # the batch norms' statistics
    assert stage.prepared(work / "model", Recipe()).config.tuned  # also where it learns no more


def test_what_a_learnt_encoder_makes_is_not_read_from_the_cache() -> None:
    model = tiny_model().eval()
    pixels, stale = torch.rand(1, 3, 256, 256), torch.zeros(1, 64, 352)
    with torch.inference_mode():
        fine, coarse = (maps.flatten(2).mT for maps in model.encoder.backbone(pixels))
        expected, _ = model.encode_cells(fine, coarse)
        old, _ = model.encode_cached(fine, stale)
        model.config.tuning = 0.0
        found, _ = model.encode_cached(fine, stale)
    assert not torch.allclose(old[0][0], expected[0][0])
    assert all(torch.allclose(one, other) for one, other in zip(found[0], expected[0], strict=True))


def test_an_encoder_that_learns_learns_slowly(data: Path, work: Path) -> None:
    tiny_model().save_pretrained(work / "pretrained")
    recipe = Recipe(steps=1, batch=2, length=32, tuning=1.0, encoder_rate=0.25)
    model = stage.prepared(work / "pretrained", recipe)
    source = stage.Source.open(data, work, recipe)
    trainer = stage.FusionTrainer(model, source, Mixture.read(DEFAULT), work / "checkpoints")
    optimizer = trainer.create_optimizer()
    rates = {id(each): group["lr"] for group in optimizer.param_groups for each in group["params"]}
    slow, fast = recipe.learning_rate * 0.25, recipe.learning_rate
    assert {rates[id(each)] for each in model.encoder.last_stages.parameters()} == {slow}
    assert rates[id(model.embedding.weight)] == fast
    assert len(rates) == sum(each.requires_grad for each in model.parameters())


def test_an_encoder_is_held_to_the_classes_that_it_knew() -> None:
    model = tiny_model().train()
    model.config.tuning = 1.0
    torch.manual_seed(0)
    fine = torch.rand(2, 256, 120)
    known = model.fresh(fine, torch.zeros(2, 64, 352))
    assert model.strayed(known, known.detach()).item() == pytest.approx(0, abs=1e-6)
    strayed = model.strayed(known + torch.randn_like(known), known.detach())
    assert strayed > 0.001
    strayed.backward()
    assert all(each.grad is not None for each in model.encoder.last_stages.parameters())


def test_a_run_that_gets_no_better_ends_early(data: Path, work: Path) -> None:
    tiny_model().save_pretrained(work / "pretrained")
    command = ["train", "--data", str(data), "--work", str(work), *SMALL, "--batch", "2"]
    main([*command, "--learning-rate", "0", "--steps", "12", "--patience", "2"])
    assert sorted(path.name for path in (work / "checkpoints").iterdir())[-1] == "checkpoint-6"
    kept = MMGPTForConditionalGeneration.from_pretrained(work / "model")
    assert torch.equal(kept.embedding.weight, tiny_model().embedding.weight)


def test_the_model_learns_from_its_own_captions(
    data: Path, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_model().save_pretrained(work / "model")
    monkeypatch.setattr("mmgpt_desktop.training.reward.FEWEST_REFERENCES", 1)
    filled: list[tuple[bool, Any]] = []
    training_step = stage.FusionTrainer.training_step

    def watched(self: Any, model: Any, inputs: Any, *rest: Any) -> Any:
        described = [row for row, *_ in inputs["described"]]
        loss = training_step(self, model, inputs, *rest)
        for row in described:
            weights, labels = inputs["weights"][row], inputs["labels"][row]
            filled.append((bool((labels[weights != 0] != IGNORED).all()), weights.sum().item()))
            assert inputs["segments"][row].max() == 3
        return loss

    monkeypatch.setattr(stage.FusionTrainer, "training_step", watched)
    command = ["reward", "--data", str(data), "--work", str(work), *SMALL, "--length", "256"]
    main([*command, "--batch", "4", "--steps", "4", "--samples", "3", "--described", "0.7"])
    assert len(filled) > 4
    assert all(labelled for labelled, _ in filled)
    log = json.loads((work / "rewarding/checkpoint-4/trainer_state.json").read_text())
    assert {f"eval_{fusion}_loss" for fusion in FUSIONS} <= set().union(*log["log_history"])
    before, after = tiny_model(), MMGPTForConditionalGeneration.from_pretrained(work / "rewarded")
    assert not torch.equal(after.embedding.weight, before.embedding.weight)


def test_photos_without_captions_are_rewarded_by_their_label_map(
    data: Path, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_model().save_pretrained(work / "model")
    monkeypatch.setattr("mmgpt_desktop.training.reward.FEWEST_REFERENCES", 1)
    monkeypatch.setattr(Truth, "score", lambda self, image, words: 0.5)
    command = ["reward", "--data", str(data), "--work", str(work), *SMALL, "--length", "256"]
    sharing = ["--samples", "3", "--described", "1", "--mapped", "0.5"]
    monkeypatch.setattr("mmgpt_desktop.training.train.trainer_arguments", logged_each_step)
    main([*command, "--batch", "4", "--steps", "2", *sharing])
    log = json.loads((work / "rewarding/checkpoint-2/trainer_state.json").read_text())
    found = set().union(*log["log_history"])
    assert {"reward", "truth"} <= found
    worths = [row["truth"] / WORTH_OF_TRUTH for row in log["log_history"] if "truth" in row]
    assert all(0.25 <= worth <= 0.5 for worth in worths)  # half of it where the end is missing


def logged_each_step(*args: Any, **options: Any) -> Any:
    arguments = trainer_arguments(*args, **options)
    arguments.logging_steps = 1
    return arguments


@pytest.mark.parametrize(("finished", "worth"), [(True, 1.0), (False, 0.5)])
def test_judges_ask_the_captions_or_the_map(
    data: Path, finished: bool, worth: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = load_texts(data, ["train"])
    with pytest.raises(AppError, match="No training photo has 3 captions"):
        Judges(photos, {})
    monkeypatch.setattr("mmgpt_desktop.training.reward.FEWEST_REFERENCES", 1)
    judges = Judges(photos, mapped_photos(photos, LabelMaps(data)))
    assert list(judges.truth.photos) == ["images/ade20k/a.jpg"]
    scores = [
        judges.score("images/ade20k/a.jpg", text.split(), finished)
        for text in ("a hall with a cat", "a dog")
    ]
    assert scores == [pytest.approx(worth * WORTH_OF_TRUTH), 0]


def test_a_sampled_answer_ends_where_the_model_ends_it() -> None:
    model = tiny_model()
    torch.nn.init.zeros_(model.lm_head.weight)  # every token is as likely
    cells = torch.zeros(2, 256, 120), torch.zeros(2, 64, 352)
    torch.manual_seed(0)
    for fusion in FUSIONS:
        answers = sample(model, cells, [1, 5, 2], 40, fusion)
        assert len(answers) == 80
        assert all(END_ID not in answer[:-1] for answer in answers)
        assert {len(answer) for answer in answers if answer[-1] != END_ID} <= {ANSWER_TOKENS}


def test_a_row_takes_whole_captions_only() -> None:
    captions = [[1, 2, 3], [4], [5, 6, 7, 8]]
    assert fitting(captions, 14, 2) == captions
    assert fitting(captions, 13, 2) == captions[:2]
    assert fitting(captions, 4, 2) == []


def test_an_advantage_is_over_the_others() -> None:
    assert advantages([1.0]) == [0.0]
    assert advantages([1.0, 0.0, 0.5]) == pytest.approx([0.75, -0.75, 0.0])


def test_features_of_a_photo_are_the_encoders(data: Path, work: Path) -> None:
    store = FeatureStore.open(work / "features")
    assert store.plain[0].shape == (5, 256, 120)
    assert store.plain[1].shape == (5, 64, 352)
    assert store.mirrored is not None
    assert store.guesses is not None
    assert store.guesses.places.shape == (5, 8, 8)
    assert store.guesses.places.max() == 1
    main(["features", "--data", str(data), "--work", str(work)])  # done already: changes nothing
    assert np.array_equal(FeatureStore.open(work / "features").plain[0], store.plain[0])
    assert read_pixels(data / "images/coco/white.png").shape == (3, 256, 256)


def test_features_are_made_anew_where_the_data_has_other_photos(data: Path, work: Path) -> None:
    listed = work / "features" / "photos.json"
    photos = json.loads(listed.read_bytes())
    kept = FeatureStore.open(work / "features").cells(photos[0])[0].copy()
    listed.write_text(json.dumps(photos[::-1]), encoding="utf-8")  # as if it had been so
    main(["features", "--data", str(data), "--work", str(work)])
    assert json.loads(listed.read_bytes()) == photos
    fine = FeatureStore.open(work / "features").cells(photos[0])[0]
    assert np.array_equal(fine, kept)
    listed.write_text(json.dumps(photos[1:]), encoding="utf-8")  # as if one had come
    np.save(work / "features/fine.npy", np.zeros((4, 256, 120), np.float16))
    np.save(work / "features/coarse.npy", np.zeros((4, 64, 352), np.float16))
    main(["features", "--data", str(data), "--work", str(work)])
    assert np.array_equal(FeatureStore.open(work / "features").cells(photos[0])[0], kept)


def test_a_mirrored_photo_has_features_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "images" / "coco").mkdir(parents=True)
    ramp = np.tile(np.linspace(0, 255, 256).astype(np.uint8), (256, 1))
    for name, pixels in (("a", ramp), ("b", ramp[:, ::-1])):
        Image.fromarray(pixels).convert("RGB").save(tmp_path / f"images/coco/{name}.png")
    row = {"kind": "caption", "question": "", "answer": "x", "split": "train"}
    lines = [json.dumps(row | {"image": f"images/coco/{name}.png"}) for name in "ab"]
    (tmp_path / "texts.jsonl").write_text("\n".join(lines), encoding="utf-8")
    main(["features", "--data", str(tmp_path), "--work", str(tmp_path)])
    store = FeatureStore.open(tmp_path / "features")
    turned, other = (
        store.cells("images/coco/a.png", mirrored=True)[0],
        store.cells("images/coco/b.png")[0],
    )
    assert np.allclose(turned, other, atol=0.1)
    assert not np.allclose(turned, store.cells("images/coco/a.png")[0], atol=0.1)


def test_training_photos_have_views_with_features_of_their_own(data: Path, work: Path) -> None:
    command = ["features", "--data", str(data), "--work", str(work)]
    assert not FeatureStore.open(work / "features").views
    main([*command, "--views", "2"])
    store = FeatureStore.open(work / "features")
    assert len(store.views) == 2
    image = "images/ade20k/a.jpg"
    pixels = torch.from_numpy(read_pixels(data / image, view_of(image, 1)))[None]
    with torch.inference_mode():
        expected = pretrained_encoder().backbone(pixels)[0].flatten(2).mT[0].numpy()
    found, plain = store.cells(image, view=1)[0], store.cells(image)[0]
    assert np.abs(found - expected).mean() < 0.2 * np.abs(plain - expected).mean()  # it is bf16
    assert not store.cells("images/coco/white.png", view=0)[0].any()  # not for training
    (work / "features" / "done_view1.txt").write_text("3")  # as if it had been cut off
    assert len(FeatureStore.open(work / "features").views) == 1


@pytest.mark.parametrize(("name", "grid"), [(GRAPH, 16), (CONCAT, 8)])
def test_a_head_that_looks_at_the_thing_scores_best(
    data: Path, work: Path, monkeypatch: pytest.MonkeyPatch, name: str, grid: int
) -> None:
    model = tiny_model()

    def look_left(*_: Any) -> tuple[None, None, torch.Tensor]:
        """Head 0 of layer 1 looks at the left edge, the others at the right, all at a name."""
        weights = torch.zeros(1, 2 + 1, 2, grid**2 + 4)  # the last layer is the copier
        weights[..., -1] = 9
        weights[..., grid**2 - 1] = 1
        weights[0, 1:, 0, 0] = 2
        return None, None, weights

    monkeypatch.setattr(model, "decode_step", look_left)
    scores = score_heads(data, work, model, name)
    assert scores.things == 1
    assert scores.best()[0] == [1, 0]
    assert scores.scores == [[0.0, 0.0], [1.0, 0.0]]
    assert scores.chance == 0.125


def test_a_head_is_scored_by_the_cells_that_its_latents_read(
    data: Path, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tiny_model(latents=2)

    def read(cells: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The first latent reads the right edge, the second one the left."""
        reading = torch.zeros(1, 2, 256)
        reading[0, 0, 255] = reading[0, 1, 0] = 1
        return cells[:, :2], reading

    def look(*_: Any) -> tuple[None, None, torch.Tensor]:
        """Head 0 of layer 1 looks at the second latent, the others at the first."""
        weights = torch.tensor([2.0, 1, 0, 0, 0, 9]).repeat(1, 2 + 1, 2, 1)
        weights[0, 1, 0, :2] = torch.tensor([1.0, 2])
        return None, None, weights

    monkeypatch.setattr(model.resampler, "forward", read)
    monkeypatch.setattr(model, "decode_step", look)
    assert score_heads(data, work, model, CROSS_ATTENTION).scores == [[0.0, 0.0], [1.0, 0.0]]


class Bigram:
    """A model whose next token follows from the last one, and a little from the picture."""

    def __init__(self) -> None:
        self.config = tiny_config()
        random = torch.Generator().manual_seed(8)
        self.table = torch.randn(12, 12, generator=random) * 2
        self.table[4:, 3] += 3  # most answers end soon
        self.lean = torch.randn(12, generator=random)

    def encode_cached(self, fine: Any, coarse: Any) -> Any:
        bright = fine.mean(dim=(1, 2)) * 20 + 2.5
        return [(bright, bright)], None

    def empty_past(self, batch: int) -> int:
        return batch

    def decode_step(self, ids: Any, keys: Any, values: Any, past: int, fusion: None) -> Any:
        assert len(ids) == past
        return self.logits(ids[:, -1], keys[0])[:, None], past, None

    def logits(self, last: Any, bright: Any) -> Any:
        return self.table[last] + bright[..., None] * self.lean


def test_certainty_is_that_of_the_greedy_answer_alone(work: Path) -> None:
    """Asked together, questions get the answers and the certainty that they get alone."""
    model, features = Bigram(), FeatureStore.open(work / "features")
    tokenizer = Tokenizer.from_file(str(work / "tokenizer.json"))
    images = [image for image in features.index if "coco" in image]
    asked = [
        PhotoQuestion(i, "vqa", "", "what is it" + " now" * n, ("x",))
        for n in (0, 3)
        for i in images
    ]
    found = list(answers(model, features, tokenizer, asked))  # type: ignore[arg-type]
    assert len({tuple(ids) for _, ids, _ in found}) > 1
    for question, ids, levels in found:
        fine = torch.from_numpy(features.cells(question.image)[0].astype(np.float32))
        bright = model.encode_cached(fine[None], None)[0][0][0]
        chances = model.logits(torch.tensor([2, *ids]), bright).softmax(dim=-1)
        assert chances.argmax(dim=-1).tolist() == [*ids, 3]
        expected = chances.max(dim=-1).values.log().mean().exp()
        assert levels[TEMPERATURES.index(1.0)] == pytest.approx(float(expected), abs=1e-5)


def test_calibration_asks_the_dev_split(data: Path, work: Path) -> None:
    certainty = calibrate(data, work, Bigram())  # type: ignore[arg-type]
    # People's own, about the shirt, thrice, who it is, "is there a boy", and two statements.
    assert certainty.questions == 8
    assert "on 8 dev questions" in certainty.how()


@pytest.mark.parametrize("there", [True, False])
def test_without_shared_memory_one_process_reads_the_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: bool
) -> None:
    def refuse() -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("multiprocessing.Lock", object if there else refuse)
    arguments = trainer_arguments(tmp_path, Recipe(), workers=1)
    assert arguments.dataloader_num_workers == (1 if there else 0)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Path:
    """The data with Chinese captions and translated sentences."""
    folder = Path(shutil.copytree(data, tmp_path_factory.mktemp("both") / "data"))
    lines = (folder / "texts.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    told = [
        row | {"kind": "caption-zh", "answer": f"一个穿{colour}色衬衫的男孩"}
        for row, colour in zip([r for r in rows if r["kind"] == "caption"], "红绿蓝白", strict=True)
    ]
    (folder / "texts.jsonl").write_text(
        "\n".join([*lines, *map(json.dumps, told)]), encoding="utf-8"
    )
    pair = {"en": "A boy .", "zh": "一个男孩", "made_by": "human", "split": "train"}
    (folder / "parallel_en_zh.jsonl").write_text(json.dumps(pair), encoding="utf-8")
    return folder


def bilingual(tokenizer: Tokenizer | None = None, seed: int = 1) -> MMGPTForConditionalGeneration:
    torch.manual_seed(seed)
    config = tiny_config()
    config.grid_size, config.vocab_size, config.languages = 16, 8192, ("en", "zh")
    return MMGPTForConditionalGeneration(config)


def test_a_model_of_both_languages_is_trained_and_rewarded_in_both(
    both: Path, work: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("mmgpt_desktop.training.pretrain.new_model", bilingual)
    monkeypatch.setattr("mmgpt_desktop.training.reward.FEWEST_REFERENCES", 1)
    monkeypatch.setattr("mmgpt_desktop.training.train.trainer_arguments", logged_each_step)
    common = ["--data", str(both), "--work", str(work), *SMALL, "--batch", "4"]
    main(["tokenizer", *common[:4], "--vocabulary", "400"])
    assert "400 tokens. Held-out captions: " in capsys.readouterr().out
    main(["pretrain", *common, "--steps", "2"])
    assert "held-out chinese: " in capsys.readouterr().out
    main(["train", *common, "--steps", "4"])
    assert "eval_chinese_loss" in losses(work, "checkpoints", 4)
    trained = MMGPTForConditionalGeneration.from_pretrained(work / "model")
    assert trained.config.translates
    main(["reward", *common[:-2], "--batch", "8", "--length", "256", "--steps", "4"])
    log = json.loads((work / "rewarding/checkpoint-4/trainer_state.json").read_text())
    assert {"reward", "reward_zh"} <= set().union(*log["log_history"])
    asked = dev_questions(both, ("en", "zh"))
    assert {is_chinese(question.asked) for question in asked} == {True, False}
    assert "描述这张图片。" in {question.asked for question in asked}
    assert not any(is_chinese(question.asked) for question in dev_questions(both))


def test_of_dev_only_what_no_earlier_training_saw(tmp_path: Path) -> None:
    images = [f"images/coco/{number}.png" for number in range(400)]
    kept = [image for image in images if is_kept_back(image, COCO_APART)]
    always = [image for image in kept if is_kept_back(image, APART)]
    assert len(images) > len(kept) > len(always) > 0
    row = {"split": "train", "kind": "vqa", "question": "what is it", "answer": "a dog"}
    rows = [json.dumps({"image": image, **row}) for image in images]
    (tmp_path / "texts.jsonl").write_text("\n".join(rows), encoding="utf-8")
    assert {each.image for each in dev_questions(tmp_path)} == set(kept)
    assert {each.image for each in dev_questions(tmp_path, never_seen=True)} == set(always)
