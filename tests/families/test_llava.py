"""LLaVA-1.5 beside transformers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import (
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
)
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.llava.image_processing_pil_llava import LlavaImageProcessorPil
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

from mmgpt_desktop.engine.chat.family import Family
from mmgpt_desktop.engine.checkpoint_torch import CheckpointTorch
from mmgpt_desktop.engine.families.registry import family_of
from mmgpt_desktop.engine.folder.checkpoint import open_checkpoint
from mmgpt_desktop.errors import BundleError
from tests.families.checkpoints import SIZES, noise_photo, save_checkpoint
from tests.families.checks import (
    PHOTOS,
    SHAPES,
    check_answer,
    check_map,
    check_prompt,
    liven,
    sentence_tokenizer,
    two_of,
)
from tests.not_none import not_none

TEMPLATE = (
    "{% for message in messages %}{% if message['role'] != 'system' %}"
    "{{ message['role'].upper() + ': '}}{% endif %}"
    "{% for content in message['content'] | selectattr('type', 'equalto', 'image') %}"
    "{{ '<image>\\n' }}{% endfor %}"
    "{% if message['role'] != 'assistant' %}"
    "{% for content in message['content'] | selectattr('type', 'equalto', 'text') %}"
    "{{ content['text'] + ' '}}{% endfor %}{% else %}"
    "{% for content in message['content'] | selectattr('type', 'equalto', 'text') %}"
    "{% generation %}{{ content['text'] + ' '}}{% endgeneration %}{% endfor %}{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}{{ 'ASSISTANT:' }}{% endif %}"
)
SPECIAL = ("<unk>", "<s>", "</s>", "<image>", "<pad>")
CLIP = {
    "image_processor_type": "CLIPImageProcessor",
    "size": {"shortest_edge": 24},
    "do_center_crop": True,
    "crop_size": {"height": 24, "width": 24},
    "resample": 3,
    "image_mean": [0.48145466, 0.4578275, 0.40821073],
    "image_std": [0.26862954, 0.26130258, 0.27577711],
}
SIGLIP = {
    "image_processor_type": "SiglipImageProcessor",
    "size": {"height": 24, "width": 24},
    "do_center_crop": None,
    "resample": 3,
    "image_mean": [0.5, 0.5, 0.5],
    "image_std": [0.5, 0.5, 0.5],
}
PADDED = {**CLIP, "image_processor_type": "LlavaImageProcessor", "do_pad": True}


def tiny_llava(path: Path, encoder: str = "clip_vision_model", **settings: Any) -> Path:
    """A view of 24 x 24 pixels is 6 x 6 patches, or with SigLIP 4 x 4 and unread pixels."""
    tokenizer = sentence_tokenizer(SPECIAL, "<s>", prepend=True)
    text = {
        "model_type": "llama",
        **SIZES,
        "vocab_size": tokenizer.get_vocab_size(),
        "max_position_embeddings": 256,
    }
    clip = encoder == "clip_vision_model"
    vision = {
        "model_type": encoder,
        **SIZES,
        "num_hidden_layers": 3,
        "image_size": 24,
        "patch_size": 4 if clip else 5,
    }
    torch.manual_seed(0)
    config = LlavaConfig(
        text_config=text,
        vision_config=vision,
        image_token_index=not_none(tokenizer.token_to_id("<image>")),
        vision_feature_layer=-2 if clip else -1,
        vision_feature_select_strategy="default" if clip else "full",
    )
    processor = {**(CLIP if clip else SIGLIP), **settings}
    model = LlavaForConditionalGeneration(config)
    liven(model)
    model.generation_config.eos_token_id = tokenizer.token_to_id("</s>")
    tokens = {"bos_token": "<s>", "eos_token": "</s>"}
    return save_checkpoint(
        path, model, tokenizer, TEMPLATE, image_processor=processor, tokens=tokens
    )


TINY = {"llava": tiny_llava}


@pytest.fixture(scope="module", params=["clip", "siglip", "padded"])
def runtime(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> CheckpointTorch:
    path = tmp_path_factory.mktemp("llava") / str(request.param)
    encoder = "siglip_vision_model" if request.param == "siglip" else "clip_vision_model"
    settings = PADDED if request.param == "padded" else {}
    return CheckpointTorch(open_checkpoint(tiny_llava(path, encoder, **settings)))


@pytest.fixture(scope="module")
def family(runtime: CheckpointTorch) -> Family:
    return family_of(open_checkpoint(Path(runtime.model.config._name_or_path)))


@pytest.mark.parametrize(("width", "height"), SHAPES)
def test_the_cell_map_is_right_by_experiment(
    family: Family, runtime: CheckpointTorch, width: int, height: int
) -> None:
    check_map(family, runtime, noise_photo(width, height))


def test_words_and_attention_are_transformers_own(family: Family, runtime: CheckpointTorch) -> None:
    check_answer(family, runtime, two_of(family))


def test_prompts_and_pixels_are_transformers_own(family: Family, runtime: CheckpointTorch) -> None:
    folder = Path(runtime.model.config._name_or_path)
    settings = dict(open_checkpoint(folder).image_processor)
    kind = {
        "CLIPImageProcessor": CLIPImageProcessorPil,
        "SiglipImageProcessor": SiglipImageProcessorPil,
        "LlavaImageProcessor": LlavaImageProcessorPil,
    }[settings.pop("image_processor_type")]
    clip = kind is not SiglipImageProcessorPil
    processor = LlavaProcessor(
        kind(**settings),
        PreTrainedTokenizerFast.from_pretrained(folder),
        patch_size=4 if clip else 5,
        vision_feature_select_strategy="default" if clip else "full",
        num_additional_image_tokens=1 if clip else 0,
        chat_template=TEMPLATE,
    )
    check_prompt(family, processor, PHOTOS)


def test_another_encoder_is_refused(tmp_path: Path) -> None:
    path = tiny_llava(tmp_path / "model")
    config = json.loads((path / "config.json").read_text())
    config["vision_config"]["model_type"] = "pixtral"
    (path / "config.json").write_text(json.dumps(config))
    with pytest.raises(BundleError, match="looks through pixtral"):
        family_of(open_checkpoint(path))
