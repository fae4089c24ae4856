"""A diffusers pipeline draws, beside diffusers."""

from __future__ import annotations

import importlib.util
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import StableDiffusionPipeline
from huggingface_hub import close_session
from PIL import Image
from safetensors.torch import load_file, save_file
from transformers import CLIPTokenizer

from mmgpt_desktop import cli
from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.folder.tokenizing import load_clip_tokenizer
from mmgpt_desktop.engine.painting.diffusers_folder import PipelineFolder, open_pipeline
from mmgpt_desktop.engine.painting.open_source import open_source
from mmgpt_desktop.engine.painting.paint_engine import PaintEngine
from mmgpt_desktop.engine.painting.painter_runtime import PicturesToBegin
from mmgpt_desktop.engine.painting.painter_source import ToPaint
from mmgpt_desktop.errors import AppError, BundleError, RuntimeFailure
from mmgpt_desktop.hub import cache
from mmgpt_desktop.hub.cache import Hub
from mmgpt_desktop.hub.catalogue import CatalogueEntry
from mmgpt_desktop.hub.download import fetch
from mmgpt_desktop.messages import RuntimeName
from mmgpt_desktop.painted import PaintRequest, PaintSettings, PaintStep
from tests.hub_server import REPOSITORY, running_hub
from tests.not_none import not_none
from tests.tiny_pipeline import (
    SIDE,
    SIZE,
    TEXT,
    by_diffusers,
    change,
    draw,
    noise_of,
    scheduler_of,
    seed_of_later,
    turbo,
    write_pipeline,
)

pytestmark = pytest.mark.filterwarnings("ignore:__array_")  # of diffusers' own
PROMPT = "a red rose"
STEPS = PaintSettings(guidance=4.0, steps=5)
UNET, DECODER = ("unet", "diffusion_pytorch_model"), ("vae", "diffusion_pytorch_model")
SCHEDULERS = (
    "DDIMScheduler",
    "DDPMScheduler",
    "DEISMultistepScheduler",
    "DPMSolverMultistepScheduler",
    "EulerAncestralDiscreteScheduler",
    "EulerDiscreteScheduler",
    "HeunDiscreteScheduler",
    "PNDMScheduler",
    "UniPCMultistepScheduler",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pipeline(tmp_path_factory.mktemp("pipeline") / "tiny")


@pytest.fixture
def own(folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(folder, tmp_path / "own"))


def with_scheduler(folder: Path, scheduler: Any) -> Path:
    scheduler.save_pretrained(folder / "scheduler")
    change(folder / "model_index.json", scheduler=["diffusers", type(scheduler).__name__])
    return folder


def asked(
    seed: int = 3, pictures: int = 1, how: PaintSettings | None = STEPS, prompt: str = PROMPT
) -> PaintRequest:
    return PaintRequest(1, prompt, seed, pictures, how)


def own_picture(folder: Path, seed: int, how: PaintSettings, prompt: str = PROMPT) -> Any:
    """Diffusers' picture out of the same noise."""
    random = np.random.default_rng(seed)
    latents = torch.from_numpy(random.standard_normal((4, SIDE, SIDE), np.float32))[None]
    kind, later = StableDiffusionPipeline, seed_of_later(random)
    return by_diffusers(kind, folder, prompt, how, later, latents=latents)


@pytest.mark.parametrize("guidance", [1.0, 4.0])
@pytest.mark.parametrize("kind", SCHEDULERS)
def test_it_draws_what_diffusers_draws(own: Path, kind: str, guidance: float) -> None:
    with_scheduler(own, scheduler_of(kind))
    how = PaintSettings(guidance=guidance, steps=5)
    steps, outcome = draw(own, asked(how=how))
    wanted = own_picture(own, 3, how)
    (painting,) = outcome.paintings
    assert painting.pixels.shape == wanted.shape == (SIZE, SIZE, 3)
    assert wanted.std() > 20, "there is something to see"
    assert int(np.abs(painting.pixels - wanted).max()) <= 1
    assert [(each.done, each.strokes) for each in steps] == [(n, 5) for n in range(1, 6)]
    assert np.array_equal(not_none(steps[-1].pixels)[0], painting.pixels)


def test_each_place_tells_what_it_read_of_each_word(folder: Path) -> None:
    drawing = draw(folder, asked())[1].paintings[0].drawing
    assert [word.text for word in drawing.words] == ["a", "red", "rose"]
    assert [PROMPT[word.start : word.stop] for word in drawing.words] == ["a", "red", "rose"]
    assert drawing.maps.shape == (3, SIDE // 2, SIDE // 2)
    read = drawing.maps.sum(axis=0)
    assert bool(((read > 0) & (read < 1)).all()), "the rest is of what begins and ends the text"
    assert float(drawing.maps.std(axis=(1, 2)).min()) > 1e-3, "not the same everywhere"
    assert drawing.painter == "tiny"


@pytest.mark.parametrize("guidance", [1.0, 4.0])
def test_a_cell_reads_the_whole_text_once(folder: Path, guidance: float) -> None:
    """Whatever level of the UNet its squares are of."""
    source = open_pipeline(folder)
    source.prepare(lambda *_: None, CancelToken())
    prompt = source.read_prompt(PROMPT, known_only=False)
    wanted = ToPaint(prompt, (3, 4), PaintSettings(guidance=guidance, steps=3))
    noises = [noise_of(seed) for seed in wanted.seeds]
    begun = PicturesToBegin(wanted.ids, wanted.visible, noises, wanted.settings)
    painter: Any = source.runtime(RuntimeName.TORCH, card=False)
    state = painter.begin(begun, CancelToken())
    attention = painter.step(state, 0, CancelToken()).attention
    painter.close()
    assert attention.shape == (2, 1, 1, source.side**2, TEXT)
    np.testing.assert_allclose(attention.sum(axis=-1), 1, atol=1e-5)
    assert not np.allclose(attention[0], attention[1])


def test_the_maps_are_of_the_words_alone_with_guidance_and_without(own: Path) -> None:
    """In a single step both read the same noise: what no words read counts for nothing."""
    with_scheduler(own, turbo())
    plain, guided = (
        draw(own, asked(how=PaintSettings(guidance=guidance, steps=1)))[1].paintings[0]
        for guidance in (1.0, 7.0)
    )
    np.testing.assert_allclose(plain.drawing.maps, guided.drawing.maps, atol=1e-5)
    assert not np.array_equal(plain.pixels, guided.pixels)


@pytest.mark.parametrize("kind", ["DDIMScheduler", "EulerAncestralDiscreteScheduler"])
def test_the_same_seed_draws_the_same_alone_and_among_others(own: Path, kind: str) -> None:
    with_scheduler(own, scheduler_of(kind))
    many = draw(own, asked(pictures=3))[1].paintings
    (alone,) = draw(own, asked(seed=5))[1].paintings
    assert int(np.abs(many[2].pixels.astype(int) - alone.pixels).max()) <= 1
    np.testing.assert_allclose(many[2].drawing.maps, alone.drawing.maps, atol=1e-4)
    assert not np.array_equal(many[0].pixels, many[1].pixels)


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction", "sample"])
def test_on_its_way_is_shown_what_the_picture_would_become(own: Path, prediction: str) -> None:
    """Some schedulers say it themselves; of others it is worked out."""
    shown = []
    for kind in ("DDIMScheduler", "DPMSolverMultistepScheduler"):
        how = {"timestep_spacing": "trailing", "prediction_type": prediction}
        with_scheduler(own, scheduler_of(kind, **how))
        shown.append(not_none(draw(own, asked())[0][0].pixels).astype(int))
    assert int(np.abs(shown[0] - shown[1]).max()) <= 1


def test_it_can_be_stopped_at_any_step(folder: Path) -> None:
    painter, cancel = PaintEngine(folder), CancelToken()
    painter.load()

    def stop(step: PaintStep) -> None:
        if step.done == 2:
            cancel.cancel()

    outcome = painter.paint(asked(), cancel, stop)
    assert (outcome.kind, outcome.paintings) == ("cancelled", ())
    assert painter.paint(asked(), CancelToken(), lambda _: None).kind == "done"
    painter.close()


def test_a_turbo_kind_takes_few_steps_without_guidance(own: Path) -> None:
    assert open_pipeline(own).info.settings.steps == 30
    assert open_pipeline(own).info.settings.guidance == 7.5
    with_scheduler(own, turbo())
    how = open_pipeline(own).info.settings
    assert (how.guidance, how.steps) == (1.0, 4)
    steps, outcome = draw(own, asked(how=None))
    assert len(steps) == 4
    assert int(np.abs(outcome.paintings[0].pixels - own_picture(own, 3, how)).max()) <= 1
    once = PaintSettings(guidance=1.0, steps=1)
    steps, outcome = draw(own, asked(how=once))
    assert len(steps) == 1
    assert int(np.abs(outcome.paintings[0].pixels - own_picture(own, 3, once)).max()) <= 1


def test_a_scheduler_that_needs_more_steps_says_so(own: Path) -> None:
    with_scheduler(own, scheduler_of("PNDMScheduler", skip_prk_steps=False))
    with pytest.raises(RuntimeFailure, match="needs more steps"):
        draw(own, asked(how=PaintSettings(guidance=1.0, steps=2)))


def test_maps_are_no_larger_than_sessions_keep_them(own: Path) -> None:
    setting("unet", sample_size=140)(own)
    assert open_pipeline(own).side == 35


def test_what_it_is_is_known_without_loading_it(folder: Path) -> None:
    source = open_source(folder)
    assert isinstance(source, PipelineFolder)
    weights = sum(each.stat().st_size for each in folder.glob("*/*.safetensors"))
    assert (source.info.name, source.info.size, source.info.side) == ("tiny", SIZE, SIDE // 2)
    assert source.size == weights
    assert source.info.languages == ("en",)


def test_a_long_prompt_is_cut_and_that_is_said(folder: Path) -> None:
    prompt = "red rose " * 8
    outcome = draw(folder, asked(prompt=prompt))[1]
    (note,) = outcome.notes
    assert "only the beginning: red rose" in str(note)
    (painting,) = outcome.paintings
    assert len(painting.drawing.words) == TEXT - 2
    assert int(np.abs(painting.pixels - own_picture(folder, 3, STEPS, prompt)).max()) <= 1


@pytest.mark.parametrize("prompt", ["", " \n"])
def test_nothing_said_is_refused(folder: Path, prompt: str) -> None:
    with pytest.raises(AppError, match="Nothing is said"):
        draw(folder, asked(prompt=prompt))


def older_tokenizer(folder: Path) -> Path:
    """The files that checkpoints had before tokenizer.json."""
    place = folder / "tokenizer"
    data = json.loads((place / "tokenizer.json").read_text(encoding="utf-8"))["model"]
    (place / "vocab.json").write_text(json.dumps(data["vocab"]), encoding="utf-8")
    merges = "\n".join(["#version: 0.2", *map(" ".join, data["merges"]), ""])
    (place / "merges.txt").write_text(merges, encoding="utf-8")
    (place / "tokenizer.json").unlink()
    return place


@pytest.mark.parametrize(
    "text",
    [
        "A red ROSE's petals, 42 of them!",
        "  two\n\nroses ",
        "they're we'll I'd 've 'x a's'",
        "玫瑰 é 🌹",
        "rose" * 30,
    ],
)
def test_older_tokenizers_read_as_transformers_reads(own: Path, text: str) -> None:
    place = older_tokenizer(own)
    wanted = CLIPTokenizer.from_pretrained(place)(text, add_special_tokens=False).input_ids
    assert load_clip_tokenizer(place).encode(text, add_special_tokens=False).ids == wanted


@pytest.mark.parametrize("pad", ["!", {"content": "!", "lstrip": False}])
def test_another_token_pads_where_the_checkpoint_says_so(own: Path, pad: object) -> None:
    place = older_tokenizer(own)
    (place / "special_tokens_map.json").write_text(json.dumps({"pad_token": pad}), encoding="utf-8")
    (painting,) = draw(own, asked())[1].paintings
    assert int(np.abs(painting.pixels - own_picture(own, 3, STEPS)).max()) <= 1
    source = open_pipeline(own)
    source.prepare(lambda *_: None, CancelToken())
    prompt = source.read_prompt(PROMPT, known_only=False)
    spelt = load_clip_tokenizer(place)
    assert prompt.ids[-1] == spelt.token_to_id("!")
    assert prompt.visible.tolist() == [True] * 5 + [False] * (TEXT - 5)


def test_it_draws_in_half_precision_where_memory_is_short(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (wanted,) = draw(folder, asked())[1].paintings
    monkeypatch.setattr("mmgpt_desktop.engine.torch_device.free_memory", lambda: 0)
    outcome = draw(folder, asked())[1]
    assert not_none(outcome.runtime).precision == "bf16"
    (painting,) = outcome.paintings
    assert float(np.abs(painting.pixels - wanted.pixels.astype(int)).mean()) < 25
    np.testing.assert_allclose(painting.drawing.maps, wanted.drawing.maps, atol=0.05)


def weights_of(folder: Path, part: tuple[str, str], suffix: str = ".safetensors") -> Path:
    return folder / part[0] / f"{part[1]}{suffix}"


def test_weights_in_half_precision_alone_are_enough(own: Path) -> None:
    wanted = draw(own, asked())[1].paintings[0].pixels.astype(int)
    for file in own.glob("*/*.safetensors"):
        halves = {name: each.half() for name, each in load_file(file).items()}
        save_file(halves, file.with_suffix(".fp16.safetensors"), metadata={"format": "pt"})
        file.unlink()
    (painting,) = draw(own, asked())[1].paintings
    assert float(np.abs(painting.pixels - wanted).mean()) < 3


def test_the_decoders_of_older_checkpoints_are_read(own: Path) -> None:
    """Their attention had other names."""
    wanted = draw(own, asked())[1].paintings[0].pixels
    file, old = weights_of(own, DECODER), {}
    names = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}
    for name, each in load_file(file).items():
        for new, before in names.items():
            name = name.replace(f".attentions.0.{new}.", f".attentions.0.{before}.")
        old[name] = each
    assert any("proj_attn" in name for name in old)
    save_file(old, file, metadata={"format": "pt"})
    assert np.array_equal(draw(own, asked())[1].paintings[0].pixels, wanted)


INDEX, FP16 = ".safetensors.index.json", ".safetensors.index.fp16.json"
"""What would be read before the weights themselves, and may name anything."""


def pickled(folder: Path) -> None:
    for file in folder.glob("*/*.safetensors"):
        file.rename(file.with_suffix(".bin"))


def cut_short(folder: Path) -> None:
    file = weights_of(folder, UNET)
    file.write_bytes(file.read_bytes()[:-10])


def led_away(folder: Path) -> None:
    (folder / "unet").rename(folder.parent / "unet")
    (folder / "unet").symlink_to(folder.parent / "unet")


def index(**values: object) -> Callable[[Path], None]:
    return lambda folder: change(folder / "model_index.json", **values)


def setting(part: str, **values: object) -> Callable[[Path], None]:
    return lambda folder: change(folder / part / "config.json", **values)


def scheduling(**values: object) -> Callable[[Path], None]:
    return lambda folder: change(folder / "scheduler" / "scheduler_config.json", **values)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (index(_class_name="StableDiffusionXLPipeline"), "StableDiffusionXLPipeline can't draw"),
        (index(_class_name=["pipeline", "Mine"]), "can't draw here"),
        (index(_class_name=None), "can't draw here"),
        (index(unet=["my_code", "UNet2DConditionModel"]), "my_code.UNet2DConditionModel"),
        (index(vae=["diffusers", "AutoencoderTiny"]), "vae is of a kind that is not known"),
        (index(text_encoder=None), "text_encoder is of a kind"),
        (index(scheduler=["diffusers", "DPMSolverSDEScheduler"]), "DPMSolverSDEScheduler"),
        (scheduling(_class_name="os.system"), "scheduler is of a kind"),
        (scheduling(num_train_timesteps=10**12), "num_train_timesteps"),
        (lambda folder: (folder / "model_index.json").write_text("[]"), "not a JSON object"),
        (lambda folder: (folder / "model_index.json").write_text("{"), "is not JSON"),
        (lambda folder: shutil.rmtree(folder / "vae"), "vae/config.json is missing"),
        (lambda folder: weights_of(folder, UNET).unlink(), "unet/diffusion_pytorch_model"),
        (pickled, "may run a stranger's code"),
        (lambda folder: weights_of(folder, UNET, INDEX).write_text("{}"), "lie in several files"),
        (lambda folder: weights_of(folder, UNET, FP16).write_text("{}"), "lie in several files"),
        (scheduling(solver_order=10**7), "solver_order"),
        (cut_short, "is cut short"),
        (lambda folder: weights_of(folder, UNET).write_bytes(b"\x80\x02" * 600), "is a pickle"),
        (led_away, "names files outside its folder"),
        (setting("unet", in_channels=9), "latents are not those of its decoder"),
        (setting("unet", cross_attention_dim=48), "can't read what the text encoder writes"),
        (setting("unet", sample_size=0), "sample_size"),
        (setting("unet", sample_size=[64, 32]), "sample_size"),
        (setting("unet", block_out_channels=[]), "block_out_channels"),
        (setting("unet", layers_per_block=10**9), "layers_per_block"),
        (setting("unet", addition_embed_type="text_time"), "more than words"),
        (setting("unet", quantization_config={"load_in_4bit": True}), "4 bits"),
        (setting("vae", block_out_channels=[8] * 20), "block_out_channels"),
        (setting("text_encoder", max_position_embeddings=2), "reads no words"),
        (setting("text_encoder", num_hidden_layers="many"), "num_hidden_layers"),
    ],
)
def test_a_folder_that_cannot_draw_is_refused_in_a_sentence(
    own: Path, damage: Callable[[Path], object], said: str
) -> None:
    damage(own)
    with pytest.raises(BundleError, match=said):
        PaintEngine(own).describe()


def without_middle(folder: Path) -> None:
    file = weights_of(folder, UNET)
    kept = {name: each for name, each in load_file(file).items() if "mid_block" not in name}
    save_file(kept, file, metadata={"format": "pt"})


def without_words(folder: Path) -> None:
    blocks = {"down_block_types": ["DownBlock2D"] * 3, "up_block_types": ["UpBlock2D"] * 3}
    setting("unet", **blocks, mid_block_type="UNetMidBlock2D")(folder)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (without_middle, "lack what draws"),
        (without_words, "does not read its words by cross-attention"),
        (setting("unet", block_out_channels=[16, 16, 64]), "PyTorch can't load the model"),
        (setting("unet", down_block_types=["Mystery"] * 3), "PyTorch can't load the model"),
        (scheduling(beta_schedule="mystery"), "PyTorch can't load the model"),
        (setting("text_encoder", vocab_size=100), "tokens that its weights don't have"),
        (lambda folder: (folder / "tokenizer/tokenizer.json").write_text("{"), "can't be read"),
        (lambda folder: (folder / "tokenizer/tokenizer.json").unlink(), "vocab.json is missing"),
        (
            lambda folder: change(folder / "tokenizer/tokenizer_config.json", pad_token="<none>"),
            "no token with which a text begins or ends",
        ),
        (
            lambda folder: (older_tokenizer(folder) / "merges.txt").write_text("a b c\n"),
            "tokenizer can't be read",
        ),
    ],
)
def test_what_is_found_only_when_it_is_loaded_is_a_sentence_too(
    own: Path, damage: Callable[[Path], object], said: str
) -> None:
    damage(own)
    with pytest.raises(AppError, match=said):
        PaintEngine(own).load()


def test_numbers_that_break_are_a_sentence_and_the_painter_stays(own: Path) -> None:
    with pytest.raises(RuntimeFailure, match="no numbers"):
        draw(with_scheduler(own, scheduler_of(beta_start=2.0, beta_end=3.0)), asked())


def test_it_draws_on_the_command_line(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "rose.png"
    told = ["--model", str(folder), "--out", str(out), "--seed", "3", "--steps", "5"]
    assert cli.main(["draw", PROMPT, *told, "--guidance", "4"]) == 0
    (painting,) = draw(folder, asked())[1].paintings
    with Image.open(out) as image:
        assert np.array_equal(np.asarray(image.convert("RGB")), painting.pixels)


def test_onnx_is_refused(folder: Path) -> None:
    with pytest.raises(RuntimeFailure, match="PyTorch alone"):
        PaintEngine(folder, RuntimeName.ONNX_CPU).load()


def test_without_the_library_it_is_said_what_to_install(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "diffusers" else there(name)
    )
    with pytest.raises(RuntimeFailure) as caught:
        PaintEngine(folder).describe()
    assert "the library diffusers, which is not installed" in caught.value.title
    assert "pip install diffusers" in caught.value.hint


def test_a_pipeline_comes_with_the_settings_of_its_parts_and_can_draw(tmp_path: Path) -> None:
    made = write_pipeline(tmp_path / "made")
    files = {
        path.relative_to(made).as_posix(): path.read_bytes()
        for path in made.rglob("*")
        if path.is_file()
    }
    more = {"unet/diffusion_pytorch_model.bin": b"a pickle", "safety_checker/config.json": b"{}"}
    weights = tuple(name for name in files if name.endswith(".safetensors"))
    parts = ("scheduler", "text_encoder", "tokenizer", "unet", "vae")
    about = REPOSITORY, "Tiny", "stable-diffusion", "MIT", 0.001, "For tests."
    entry = CatalogueEntry(*about, weights=weights, parts=parts)
    with running_hub(files | more) as server:
        hub = Hub(tmp_path / "hub", server.endpoint, timeout_s=20)
        assert cache.find(hub, entry) is None
        folder = fetch(hub, entry, CancelToken(), lambda _: None)
    close_session()
    assert cache.find(hub, entry) == folder
    here = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert here == files.keys()
    assert open_source(folder).info.size == 16
