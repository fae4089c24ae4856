from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.checkpoint_torch import CheckpointTorch
from mmgpt_desktop.engine.families.idefics3 import Idefics3
from mmgpt_desktop.engine.folder.checkpoint import open_checkpoint
from mmgpt_desktop.messages import PICTURE, Message, Photo
from tests.families.checkpoints import enlivened, noise_photo, tiny_smolvlm, with_region

SIZES = [(64, 64), (90, 60), (60, 90), (5, 3), (192, 100), (300, 301)]

TINY = {
    "idefics3": enlivened(partial(tiny_smolvlm, head_dim=16, kind="Idefics3")),
    "smolvlm": enlivened(partial(tiny_smolvlm, head_dim=16)),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_smolvlm(tmp_path_factory.mktemp("models") / "tiny-smolvlm")


@pytest.fixture(scope="module")
def processor(folder: Path) -> Any:
    """transformers' own, of the same settings."""
    from transformers import Idefics3Processor, PreTrainedTokenizerFast
    from transformers.models.idefics3.image_processing_pil_idefics3 import (
        Idefics3ImageProcessorPil,
    )

    checkpoint = open_checkpoint(folder)
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    images = Idefics3ImageProcessorPil.from_dict(dict(checkpoint.image_processor))
    return Idefics3Processor(
        images, tokenizer, image_seq_len=16, chat_template=checkpoint.chat_template
    )


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("tiled", [False, True])
def test_pixels_and_prompt_are_transformers_own(
    family: Idefics3, processor: Any, size: tuple[int, int], tiled: bool
) -> None:
    assert isinstance(family, Idefics3)
    photo = noise_photo(*size)
    inputs = family.preprocess(photo, tiled=tiled)
    prompt = family.build_prompt([Message("user", "What is the <thing>?")], [inputs], 16)

    chat = [
        {
            "role": "user",
            "content": [{"type": "image"}, {"type": "text", "text": "What is the <thing>?"}],
        }
    ]
    theirs = processor(
        text=processor.apply_chat_template(chat, add_generation_prompt=True),
        images=[photo.pixels],
        do_image_splitting=tiled,
        input_data_format="channels_last",
        return_tensors="np",
    )
    np.testing.assert_array_equal(inputs.arrays["pixel_values"], theirs["pixel_values"])
    np.testing.assert_array_equal(
        inputs.arrays["pixel_attention_mask"], theirs["pixel_attention_mask"]
    )
    assert list(prompt.token_ids) == theirs["input_ids"][0].tolist()
    assert len(prompt.image_positions) == inputs.tokens == inputs.patch_to_cell.shape[0]


def test_earlier_turns_and_several_photos_are_transformers_own(
    family: Idefics3, processor: Any
) -> None:
    photos = [noise_photo(64, 64, 1), noise_photo(80, 50, 2)]
    images = [family.preprocess(photo) for photo in photos]
    messages = [
        Message("user", "First."),
        Message("assistant", "An answer."),
        Message("user", f"And {PICTURE} this?"),
    ]
    prompt = family.build_prompt(messages, images, 16)

    chat = [
        {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "First."}]},
        {"role": "assistant", "content": [{"type": "text", "text": "An answer."}]},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "And "},
                {"type": "image"},
                {"type": "text", "text": " this?"},
            ],
        },
    ]
    theirs = processor(
        text=processor.apply_chat_template(chat, add_generation_prompt=True),
        images=[photo.pixels for photo in photos],
        do_image_splitting=False,
        return_tensors="np",
    )
    assert list(prompt.token_ids) == theirs["input_ids"][0].tolist()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("tiled", [False, True])
def test_the_cell_map_is_right_by_experiment(
    family: Idefics3, runtime: CheckpointTorch, size: tuple[int, int], tiled: bool
) -> None:
    """Each region's pixels are changed: the token that moves most is one that lies there."""
    photo = noise_photo(*size)
    inputs = family.preprocess(photo, tiled=tiled)
    before = embeddings(runtime, family, photo, tiled)
    grid = inputs.grid
    for cell in range(0, grid.cells, max(1, grid.cells // 24)):
        box = grid.cell_box(cell)
        left, top = int(box.left), int(box.top)
        right, bottom = max(left + 1, int(box.right)), max(top + 1, int(box.bottom))
        changed = with_region(photo, left, top, right, bottom)
        moved = np.linalg.norm(embeddings(runtime, family, changed, tiled) - before, axis=1)
        named = inputs.patch_to_cell[:, cells_within(grid, left, top, right, bottom)].sum(axis=1)
        assert named[int(moved.argmax())] > 0, (cell, moved.argmax())


def embeddings(
    runtime: CheckpointTorch, family: Idefics3, photo: Photo, tiled: bool
) -> np.ndarray[Any, Any]:
    return np.asarray(
        runtime.encode(family.preprocess(photo, tiled=tiled), CancelToken()).embeddings
    )


def cells_within(grid: Any, left: int, top: int, right: int, bottom: int) -> list[int]:
    """The cells that a rectangle of the photo touches."""
    found = []
    for cell in range(grid.cells):
        box = grid.cell_box(cell)
        if box.left < right and box.right > left and box.top < bottom and box.bottom > top:
            found.append(cell)
    return found


@pytest.fixture(scope="module")
def runtime(folder: Path) -> CheckpointTorch:
    return CheckpointTorch(open_checkpoint(folder))
