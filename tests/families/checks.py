"""What is checked of every family of public models, beside transformers' own code."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, processors
from transformers import AutoModelForImageTextToText
from transformers.processing_utils import ProcessorMixin

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.chat.family import Family
from mmgpt_desktop.engine.chat.model_inputs import Context, ImageInputs, Prompt
from mmgpt_desktop.engine.chat.patch_cells import boxes_to_cells
from mmgpt_desktop.engine.checkpoint_torch import CheckpointTorch
from mmgpt_desktop.engine.generate import Answer, Token, decode
from mmgpt_desktop.messages import PICTURE, Message, PatchGrid, Photo, Sampling
from tests.families.checkpoints import noise_photo, with_region

STEPS = 6
SHAPES = [(60, 40), (40, 60), (24, 24), (5, 3)]  # landscape, portrait, square, tiny
PHOTOS = [noise_photo(60, 40), noise_photo(30, 31), noise_photo(9, 50)]
ASKED = "What is the <thing> in the café?"
_SPACE = "\u2581"


def sentence_tokenizer(special: Sequence[str], begin: str, *, prepend: bool) -> Tokenizer:
    """As SentencePiece's are: spaces as a character, bytes for what no piece covers.

    `special` come first. `begin` opens each text; with `prepend` (Llama) a space does too.
    """
    pieces = [*special, *(f"<0x{byte:02X}>" for byte in range(256)), _SPACE]
    pieces += [chr(letter) for letter in range(0x21, 0x7F)]
    merges = [("t", "h"), ("th", "e"), (_SPACE, "a")]
    if not prepend:  # Gemma has pieces for newlines, Llama spells them as bytes
        pieces += ["\n", "\n\n", "\n\n\n"]
        merges += [("\n", "\n"), ("\n\n", "\n")]
    pieces += [left + right for left, right in merges if left + right not in pieces]
    vocabulary = {piece: place for place, piece in enumerate(pieces)}
    model = models.BPE(vocab=vocabulary, merges=merges, byte_fallback=True, fuse_unk=True)
    tokenizer = Tokenizer(model)
    spaces = normalizers.Replace(" ", _SPACE)
    lead = [normalizers.Prepend(_SPACE)] if prepend else []
    tokenizer.normalizer = normalizers.Sequence([*lead, spaces])
    back = [decoders.Replace(_SPACE, " "), decoders.ByteFallback(), decoders.Fuse()]
    tokenizer.decoder = decoders.Sequence(back)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{begin} $A", pair=f"{begin} $A $B", special_tokens=[(begin, vocabulary[begin])]
    )
    tokenizer.add_special_tokens([AddedToken(token, normalized=False) for token in special])
    return tokenizer


def two_of(family: Family) -> list[ImageInputs]:
    """Of two photos that differ in shape."""
    return [family.preprocess(noise_photo(60, 40)), family.preprocess(noise_photo(9, 20))]


def check_prompt(
    family: Family, processor: Any, photos: Sequence[Photo], *, tiled: bool = False
) -> None:
    """A question about the first photo, with `tiled` in tiles; and if there are others an
    answer, and a question with the others in it, without tiles."""
    one, *others = photos
    images = [family.preprocess(one, tiled=tiled)]
    prompt = family.build_prompt([Message("user", ASKED)], images, 16)
    theirs = _processed(processor, [_user(_image(one), ASKED)])
    assert list(prompt.token_ids) == theirs["input_ids"][0].tolist()
    assert len(prompt.image_positions) == images[0].tokens
    np.testing.assert_array_equal(theirs["pixel_values"], images[0].arrays["pixel_values"])
    if not others:
        return

    messages = [Message("user", "First."), Message("assistant", "An answer.")]
    messages.append(Message("user", f"{PICTURE * len(others)}{ASKED}"))
    images = [family.preprocess(photo) for photo in photos]
    prompt = family.build_prompt(messages, images, 16)
    answer = {"role": "assistant", "content": [{"type": "text", "text": "An answer."}]}
    chat = [_user(_image(one), "First."), answer, _user(*map(_image, others), ASKED)]
    theirs = _processed(processor, chat)
    assert list(prompt.token_ids) == theirs["input_ids"][0].tolist()
    np.testing.assert_array_equal(theirs["pixel_values"], joined(images)["pixel_values"])
    assert prompt.dropped_turns == 0


def _user(*parts: Any) -> dict[str, Any]:
    texts = [{"type": "text", "text": part} if isinstance(part, str) else part for part in parts]
    return {"role": "user", "content": texts}


def _image(photo: Photo) -> dict[str, Any]:
    return {"type": "image", "image": Image.fromarray(photo.pixels)}


def _processed(processor: Any, chat: Sequence[Any]) -> Any:
    return processor.apply_chat_template(
        chat,
        tokenize=True,
        return_dict=True,
        add_generation_prompt=True,
        processor_kwargs={"return_tensors": "np"},
    )


def check_answer(
    family: Family,
    runtime: CheckpointTorch,
    images: Sequence[ImageInputs],
    arguments: Callable[[Prompt], Mapping[str, Any]] = lambda _prompt: {},
) -> None:
    """Words and attention are those of transformers, whose rows over all positions sum to 1.

    `arguments` are what the model takes beside token ids and pixels.
    """
    prompt = family.build_prompt([Message("user", ASKED)], images, 16)
    cancel = CancelToken()
    context = Context(prompt, tuple(images), tuple(runtime.encode(each, cancel) for each in images))
    answer = Answer(prompt.token_ids, Sampling(max_new_tokens=6))
    options: Any = {"stop_ids": (), "context_length": 10**6, "attention": True}
    tokens = list(decode(runtime, context, answer, cancel=cancel, **options))

    reference: Any = AutoModelForImageTextToText.from_pretrained(
        runtime.model.config._name_or_path, attn_implementation="eager"
    )
    inputs = {name: torch.from_numpy(values) for name, values in joined(images).items()}
    whole = [*prompt.token_ids, *(token.token_id for token in tokens)]
    with torch.inference_mode():
        output = reference(
            input_ids=torch.tensor([whole]),
            **inputs,
            **arguments(replace(prompt, token_ids=tuple(whole))),
            output_attentions=True,
        )
        written = reference.generate(
            input_ids=torch.tensor([prompt.token_ids]),
            attention_mask=torch.ones(1, len(prompt.token_ids), dtype=torch.long),
            **inputs,
            **arguments(prompt),
            max_new_tokens=6,
            min_new_tokens=6,
            do_sample=False,
        )
    assert written[0].tolist() == whole
    rows = torch.stack(output.attentions)[:, 0].numpy()
    assert np.allclose(rows.sum(axis=-1), 1, atol=1e-5)
    places = list(prompt.image_positions)
    for number, token in enumerate(tokens):
        row = rows[:, :, len(prompt.token_ids) - 1 + number]
        assert token.attention is not None
        assert np.allclose(token.attention, row[:, :, places], atol=1e-5)
    scores = runtime.score(whole, context, cancel)
    assert np.ptp(scores, axis=-1).min() > 0.1  # a model that can go wrong
    assert np.allclose(scores, output.logits[0, -len(scores) :].numpy(), atol=1e-3)


def joined(images: Sequence[ImageInputs]) -> dict[str, NDArray[Any]]:
    """Several photos' inputs as one call of a model takes them."""
    return {
        name: np.concatenate([each.arrays[name] for each in images]) for name in images[0].arrays
    }


def embeddings(runtime: CheckpointTorch, inputs: ImageInputs) -> NDArray[np.float32]:
    return np.asarray(runtime.encode(inputs, CancelToken()).embeddings)


def without_videos(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let transformers' processors do without a video processor, which needs torchvision."""
    check = ProcessorMixin.check_argument_for_proper_class

    def lenient(self: ProcessorMixin, name: str, argument: Any) -> Any:
        return None if name == "video_processor" else check(self, name, argument)

    monkeypatch.setattr(ProcessorMixin, "check_argument_for_proper_class", lenient)


def liven(model: Any) -> None:
    """Large random weights, so that words, attention and patches differ from each other.

    The image encoder's layers get small ones, so that what a patch becomes is mostly its own:
    that is what training brings about.
    """
    torch.manual_seed(1)
    language = model.model.language_model
    for name, parameter in [*language.named_parameters(), ("head", model.lm_head.weight)]:
        if parameter.ndim > 1 and "embed" not in name:
            torch.nn.init.normal_(parameter, std=0.3)
    eyes = getattr(model.model, "vision_tower", None) or model.model.vision_model
    for name, parameter in eyes.named_parameters():
        if "patch_embedding" in name and parameter.ndim == 4:  # a patch's mean colour
            means = torch.randn(parameter.shape[:2])[:, :, None, None]
            parameter.data.copy_(means.expand_as(parameter) / parameter[0, 0].numel())
        elif "position_embedding" in name:  # else a plain patch is as good as nothing
            torch.nn.init.normal_(parameter, std=0.5)
        elif name.endswith(("out_proj.weight", "projection_layer.weight", "fc2.weight")):
            torch.nn.init.normal_(parameter, std=0.002)


def check_map(
    family: Family,
    runtime: CheckpointTorch,
    photo: Photo,
    *,
    tiled: bool = False,
    overview: slice = slice(0, 0),
) -> None:
    """Change one region after the other: the token that moves most is one that names it.

    So among the tokens of the `overview`, and among the others.
    """
    photo = _dull(photo)
    inputs = family.preprocess(photo, tiled=tiled)
    before = embeddings(runtime, inputs)
    assert before.shape[0] == inputs.tokens == inputs.patch_to_cell.shape[0]
    numbers = np.arange(inputs.tokens)
    groups = [group for group in (numbers[overview], np.delete(numbers, overview)) if len(group)]
    least = 0.01 if _enlarged(inputs.grid) else 0.5  # enlarging blurs a pixel over its neighbours
    regions = list(_regions(inputs.grid, photo))
    assert regions
    for region in regions:
        there = boxes_to_cells(np.array([region], float), inputs.grid)[0]
        changed = family.preprocess(_marked(photo, *region), tiled=tiled)
        moved = np.linalg.norm(embeddings(runtime, changed) - before, axis=1)
        for group in groups:
            if inputs.patch_to_cell[group][:, there.argmax()].max() < 0.1:
                continue  # pixels beyond the last whole patch of a view are not read
            spread = inputs.patch_to_cell[group[moved[group].argmax()]]
            assert spread.max() > 0, region
            named = np.flatnonzero(spread >= 0.2 * spread.max())
            assert there[named].max() >= least * there.max(), (region, named, there.argmax())


def _dull(photo: Photo) -> Photo:
    """The photo in like greys, so that a mark stands out by as much as it covers of a patch."""
    return Photo(photo.pixels // 16 + 120, f"dull-{photo.image_id}", photo.name)


def _marked(photo: Photo, left: int, top: int, right: int, bottom: int) -> Photo:
    """The dull photo with a lighter grey in a rectangle of it."""
    pixels = photo.pixels.copy()
    pixels[top:bottom, left:right] = 168
    return Photo(pixels, f"{photo.image_id}-{left}-{top}-{right}-{bottom}", photo.name)


def _enlarged(grid: PatchGrid) -> bool:
    return min(grid.box.width / grid.columns, grid.box.height / grid.rows) < 2


def _regions(grid: PatchGrid, photo: Photo) -> Iterator[tuple[int, int, int, int]]:
    """The cells that lie on the photo, or its pixels where these are larger."""
    if _enlarged(grid):
        for top, left in np.ndindex(photo.height, photo.width):
            if _inside(grid, left + 0.5, top + 0.5):
                yield left, top, left + 1, top + 1
        return
    for cell in range(grid.cells):
        box = grid.cell_box(cell)
        left, top = max(0, round(box.left)), max(0, round(box.top))
        right, bottom = min(photo.width, round(box.right)), min(photo.height, round(box.bottom))
        if (right - left) * (bottom - top) > 0.6 * box.width * box.height:
            yield left, top, right, bottom


def _inside(grid: PatchGrid, x: float, y: float) -> bool:
    box = grid.box
    return box.left <= x <= box.right and box.top <= y <= box.bottom


def context_of(
    runtime: CheckpointTorch, family: Family, messages: Sequence[Message], photos: Sequence[Photo]
) -> Context:
    images = tuple(family.preprocess(photo) for photo in photos)
    features = tuple(runtime.encode(each, CancelToken()) for each in images)
    return Context(family.build_prompt(messages, images, STEPS), images, features)


def greedy(runtime: CheckpointTorch, context: Context, *, attention: bool = True) -> list[Token]:
    """The first `STEPS` tokens, whatever they are."""
    answer = Answer(context.prompt.token_ids, Sampling(max_new_tokens=STEPS))
    tokens = decode(
        runtime,
        context,
        answer,
        stop_ids=(),
        context_length=10_000,
        attention=attention,
        cancel=CancelToken(),
    )
    return list(tokens)


def check_regions(
    photo: Photo,
    preprocess: Callable[[Photo], ImageInputs],
    encode: Callable[[ImageInputs], NDArray[np.float32]],
) -> None:
    """Change each cell's pixels: the patch [patch, width] that moves most is the cell's own."""
    inputs = preprocess(photo)
    grid, before = inputs.grid, encode(inputs)
    assert len(before) == len(inputs.patch_to_cell)
    for cell in range(grid.cells):
        box = grid.cell_box(cell)
        sides = (round(side) for side in (box.left, box.top, box.right, box.bottom))
        moved = np.linalg.norm(encode(preprocess(with_region(photo, *sides))) - before, axis=1)
        moved[~inputs.patch_to_cell.any(axis=1)] = 0  # a patch that stands for the whole picture
        assert int(inputs.patch_to_cell[int(moved.argmax())].argmax()) == cell
