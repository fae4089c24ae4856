from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.chat.model_inputs import Context
from mmgpt_desktop.engine.checkpoint_torch import CheckpointTorch
from mmgpt_desktop.engine.families.registry import family_of
from mmgpt_desktop.engine.folder.checkpoint import open_checkpoint
from mmgpt_desktop.engine.generate import Answer, decode
from mmgpt_desktop.errors import Cancelled, RuntimeFailure
from mmgpt_desktop.messages import Message, Sampling
from tests.families.checkpoints import noise_photo, tiny_smolvlm
from tests.not_none import not_none

TOKENS = 6


class Whole(CheckpointTorch):
    """Keeps the sums over all positions of each row that it gives."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.sums: list[np.ndarray[Any, Any]] = []

    def rows(self, output: Any, context: Context, total: int) -> Any:
        self.sums += [layer[0, :, -1].sum(-1).numpy() for layer in output.attentions]
        assert all(layer.shape[-2] == 1 for layer in output.attentions)
        return super().rows(output, context, total)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_smolvlm(tmp_path_factory.mktemp("models") / "tiny-smolvlm")


@pytest.fixture(scope="module")
def runtime(folder: Path) -> Whole:
    return Whole(open_checkpoint(folder))


@pytest.fixture(scope="module")
def context(folder: Path, runtime: Whole) -> Context:
    """Two photos, one in tiles."""
    family = family_of(open_checkpoint(folder))
    images = (
        family.preprocess(noise_photo(64, 64)),
        family.preprocess(noise_photo(128, 60), tiled=True),
    )
    prompt = family.build_prompt([Message("user", "What?")], images, TOKENS)
    return Context(prompt, images, tuple(runtime.encode(each, CancelToken()) for each in images))


def test_greedy_tokens_and_attention_are_transformers_own(
    folder: Path, runtime: Whole, context: Context
) -> None:
    from transformers import AutoModelForImageTextToText

    answer = Answer(context.prompt.token_ids, Sampling(max_new_tokens=TOKENS))
    tokens = list(
        decode(
            runtime,
            context,
            answer,
            stop_ids=(),
            context_length=1024,
            attention=True,
            cancel=CancelToken(),
        )
    )

    model: Any = AutoModelForImageTextToText.from_pretrained(folder, attn_implementation="eager")
    torch = runtime.torch
    views = [torch.from_numpy(inputs.arrays["pixel_values"]) for inputs in context.images]
    theirs = model.generate(
        input_ids=torch.tensor([context.prompt.token_ids]),
        pixel_values=torch.cat(views, dim=1),
        do_sample=False,
        max_new_tokens=TOKENS,
        min_new_tokens=TOKENS,
        output_attentions=True,
        return_dict_in_generate=True,
    )
    assert answer.tokens == theirs.sequences[0, -TOKENS:].tolist()
    for token, attentions in zip(tokens, theirs.attentions, strict=True):
        rows = np.stack([layer[0, :, -1].detach().numpy() for layer in attentions])
        expected = rows[..., list(context.prompt.image_positions)]
        np.testing.assert_allclose(not_none(token.attention), expected, atol=1e-5)
    np.testing.assert_allclose(np.stack(runtime.sums), 1, atol=1e-5)


def test_a_cache_stays_as_it_was(runtime: Whole, context: Context) -> None:
    cancel = CancelToken()
    prompt = context.prompt.token_ids
    first = runtime.decode(prompt, context, None, attention=False, cancel=cancel)
    one = runtime.decode([5], context, first.cache, attention=False, cancel=cancel)
    runtime.decode([7], context, first.cache, attention=False, cancel=cancel)
    again = runtime.decode([5], context, first.cache, attention=False, cancel=cancel)
    np.testing.assert_array_equal(one.logits, again.logits)

    scored = runtime.score([*prompt, 5], context, cancel)
    np.testing.assert_allclose(scored[-2:], [first.logits, one.logits], atol=1e-5)


def test_a_prompt_is_read_a_few_rows_at_a_time(
    runtime: Whole, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompt, cancel = context.prompt.token_ids, CancelToken()
    whole = runtime.decode(prompt, context, None, attention=True, cancel=cancel)
    module = sys.modules[type(runtime.model.model.text_model.layers[0].self_attn).__module__]
    eager, rows = module.eager_attention_forward, list[int]()

    def counted(module: Any, query: Any, *rest: Any, **options: Any) -> Any:
        rows.append(query.shape[2])
        return eager(module, query, *rest, **options)

    monkeypatch.setattr(module, "eager_attention_forward", counted)
    monkeypatch.setattr("mmgpt_desktop.engine.checkpoint_torch.ROWS", 7)
    parts = runtime.decode(prompt, context, None, attention=True, cancel=cancel)
    assert max(rows) == 7
    np.testing.assert_allclose(parts.logits, whole.logits, atol=1e-5)
    np.testing.assert_allclose(not_none(parts.attention), not_none(whole.attention), atol=1e-6)


def test_it_can_be_cancelled_between_layers(runtime: Whole, context: Context) -> None:
    cancel, seen = CancelToken(), []
    layers = runtime.model.model.text_model.layers

    def look(*_: object) -> None:
        seen.append(1)
        cancel.cancel()

    handle = layers[0].register_forward_pre_hook(look)
    with pytest.raises(Cancelled):
        runtime.decode(context.prompt.token_ids, context, None, attention=True, cancel=cancel)
    handle.remove()
    assert seen == [1]


def test_weights_that_do_not_fit_are_one_sentence(folder: Path, tmp_path: Path) -> None:
    checkpoint = open_checkpoint(folder)
    (tmp_path / "config.json").write_text('{"model_type": "smolvlm", "text_config": 3}')
    with pytest.raises(RuntimeFailure) as caught:
        CheckpointTorch(type(checkpoint)(**{**vars(checkpoint), "path": tmp_path}))
    assert "PyTorch can't load the model" in str(caught.value)


def test_tokens_that_the_weights_do_not_have_are_one_sentence(
    runtime: Whole, context: Context
) -> None:
    with pytest.raises(RuntimeFailure, match="tokens that its weights don't have"):
        runtime.score((*context.prompt.token_ids, 10**6), context, CancelToken())


def renamed(folder: Path, out: Path, rename: Callable[[str], str | None]) -> Path:
    """The same checkpoint; tensors that are renamed to None are left out."""
    from safetensors.numpy import load_file, save_file

    shutil.copytree(folder, out)
    tensors = load_file(folder / "model.safetensors")
    kept = {new: each for name, each in tensors.items() if (new := rename(name))}
    save_file(kept, out / "model.safetensors", metadata={"format": "pt"})
    return out


@pytest.mark.parametrize(
    ("rename", "count", "first"),
    [
        (lambda name: None if "vision_model" in name else name, 37, "model.vision_model"),
        (lambda name: None if name.endswith("text_model.norm.weight") else name, 1, "model.text"),
        (lambda name: f"module.{name}", 59, "lm_head.weight"),  # as DistributedDataParallel saves
    ],
)
def test_missing_tensors_are_one_sentence_and_no_random_numbers(
    folder: Path,
    tmp_path: Path,
    rename: Callable[[str], str | None],
    count: int,
    first: str,
    capfd: pytest.CaptureFixture[str],
) -> None:
    broken = renamed(folder, tmp_path / "broken", rename)
    with pytest.raises(RuntimeFailure) as caught:
        CheckpointTorch(open_checkpoint(broken))
    sentence = f"The model's weights are not whole; missing tensors: {count}, among them {first}"
    assert caught.value.title.startswith(sentence)
    assert capfd.readouterr() == ("", "")


def test_a_setting_that_transformers_refuses_is_named(folder: Path, tmp_path: Path) -> None:
    odd = Path(shutil.copytree(folder, tmp_path / "odd"))
    config = json.loads((odd / "config.json").read_text())
    config["text_config"]["hidden_size"] = {"a": 1}
    (odd / "config.json").write_text(json.dumps(config))
    with pytest.raises(RuntimeFailure, match="settings give hidden_size as something that can't"):
        CheckpointTorch(open_checkpoint(odd))
