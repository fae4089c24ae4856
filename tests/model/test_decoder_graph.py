"""The graphs that we build ourselves against transformers' models."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest
import torch
import transformers as tf

from mmgpt_desktop.errors import BundleError
from mmgpt_desktop.export.decoder_graph import build_decoder
from mmgpt_desktop.export.decoder_spec import DecoderSpec, read_spec
from mmgpt_desktop.export.linear import Floating
from mmgpt_desktop.export.weights import DecoderWeights

LENGTH = 14
SIZES = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "intermediate_size": 48,
    "vocab_size": 50,
    "max_position_embeddings": 64,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
LLAMA3 = {
    "rope_type": "llama3",
    "rope_theta": 10000.0,
    "factor": 4.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 16,
}
NEAR_AND_FAR = {
    "sliding_attention": {"rope_type": "default", "rope_theta": 100.0},
    "full_attention": {"rope_type": "linear", "rope_theta": 1000.0, "factor": 4.0},
}
MIXED = ["sliding_attention", "full_attention"]
MROPE = {"rope_type": "default", "rope_theta": 1000.0, "mrope_section": [2, 3, 3]}


def qwen25(**settings: Any) -> Any:
    from transformers.models.qwen2_5_vl.modeling_qwen2_5_vl import Qwen2_5_VLTextModel

    sizes = {**SIZES, "hidden_size": 64}  # the width of its heads follows from this
    config = tf.Qwen2_5_VLConfig(text_config={**sizes, **settings}).text_config
    return Qwen2_5_VLTextModel._from_config(config, attn_implementation="eager")


def qwen3vl(**settings: Any) -> Any:
    from transformers.models.qwen3_vl.modeling_qwen3_vl import Qwen3VLTextModel

    config = tf.Qwen3VLConfig(text_config={**SIZES, **settings}).text_config
    return Qwen3VLTextModel._from_config(config, attn_implementation="eager")


def kosmos2() -> Any:
    from transformers.models.kosmos2.modeling_kosmos2 import Kosmos2TextForCausalLM

    sizes = {"embed_dim": 32, "layers": 2, "attention_heads": 4, "ffn_dim": 48, "vocab_size": 50}
    config = tf.Kosmos2Config(text_config=sizes).text_config
    return Kosmos2TextForCausalLM._from_config(config, attn_implementation="eager")


def plain(config: Any, model: Any) -> Callable[..., Any]:
    def make(**settings: Any) -> Any:
        made = config(**{**SIZES, **settings})
        return model._from_config(made, attn_implementation="eager")

    return make


MODELS = {
    "llama": plain(tf.LlamaConfig, tf.LlamaForCausalLM),
    "llama, tied": lambda: plain(tf.LlamaConfig, tf.LlamaForCausalLM)(tie_word_embeddings=True),
    "llama 3.1": lambda: plain(tf.LlamaConfig, tf.LlamaForCausalLM)(rope_parameters=LLAMA3),
    "mistral": lambda: plain(tf.MistralConfig, tf.MistralForCausalLM)(sliding_window=5),
    "qwen2": plain(tf.Qwen2Config, tf.Qwen2ForCausalLM),
    "qwen3": plain(tf.Qwen3Config, tf.Qwen3ForCausalLM),
    "gemma": plain(tf.GemmaConfig, tf.GemmaForCausalLM),
    "gemma2": lambda: plain(tf.Gemma2Config, tf.Gemma2ForCausalLM)(
        sliding_window=5, query_pre_attn_scalar=24, attn_logit_softcapping=2.0
    ),
    "gemma3": lambda: plain(tf.Gemma3TextConfig, tf.Gemma3ForCausalLM)(
        sliding_window=5,
        query_pre_attn_scalar=24,
        layer_types=MIXED,
        rope_parameters=NEAR_AND_FAR,
    ),
    "kosmos2": kosmos2,
    "qwen2.5-vl": lambda: qwen25(rope_parameters=MROPE),
    "qwen3-vl": lambda: qwen3vl(rope_parameters={**MROPE, "mrope_section": [4, 2, 2]}),
}


# A photo of five tokens, and one of three: each sees all of itself.
BLOCKS = torch.tensor([-1, 0, 0, 0, 0, 0, -1, -1, 1, 1, 1, -1, -1, -1])
WITH_BLOCKS = {
    "gemma3 with photos": lambda: plain(tf.Gemma3TextConfig, tf.Gemma3ForCausalLM)(
        sliding_window=4, query_pre_attn_scalar=24, layer_types=MIXED
    ),
    "gemma2 with photos": lambda: plain(tf.Gemma2Config, tf.Gemma2ForCausalLM)(
        sliding_window=4, query_pre_attn_scalar=24, attn_logit_softcapping=2.0
    ),
}
MODELS |= WITH_BLOCKS


def masks_of_blocks(window: int, cut: bool) -> dict[str, torch.Tensor]:
    """Gemma 3's windows cut blocks, PaliGemma 2's don't (transformers' own masks)."""
    back = torch.arange(LENGTH)[:, None] - torch.arange(LENGTH)
    together = (BLOCKS[:, None] == BLOCKS) & (BLOCKS[:, None] >= 0)
    causal, near = back >= 0, back < window
    sliding = (causal | together) & near if cut else (causal & near) | together
    free, never = torch.tensor(0.0), torch.tensor(-1e9)
    return {
        "full_attention": torch.where(causal | together, free, never)[None, None],
        "sliding_attention": torch.where(sliding, free, never)[None, None],
    }


@dataclass(eq=False)
class Truth:
    """A random model, and what it says of random embeddings."""

    model: Any
    spec: DecoderSpec
    embeddings: torch.Tensor
    positions: torch.Tensor
    deepstack: torch.Tensor | None
    logits: np.ndarray
    attention: np.ndarray  # [layer, head, S, T]


@pytest.fixture(scope="module", params=list(MODELS))
def truth(request: pytest.FixtureRequest) -> Truth:
    torch.manual_seed(0)
    model = MODELS[request.param]().eval()
    for tensor in model.parameters():
        tensor.data.normal_(std=0.3)
    deep = torch.randn(1, LENGTH, SIZES["hidden_size"]) if request.param == "qwen3-vl" else None
    blocks = request.param in WITH_BLOCKS
    config = model.config.to_dict()
    cut = blocks and config["model_type"] == "gemma3_text"  # its windows cut blocks, too
    deepstack = 0 if deep is None else 1
    spec = replace(read_spec(config), deepstack=deepstack, blocks=blocks, windows_cut_blocks=cut)
    embeddings = torch.randn(1, LENGTH, spec.width)
    positions = torch.arange(2, LENGTH + 2)[None]  # Kosmos-2's begin behind the padding's
    if spec.axes == 3:
        positions = torch.stack([positions, positions // 3, positions % 4])
    inputs: dict[str, Any] = {"inputs_embeds": embeddings, "position_ids": positions}
    if deep is not None:
        everywhere = torch.ones(1, LENGTH, dtype=torch.bool)
        inputs |= {"visual_pos_masks": everywhere, "deepstack_visual_embeds": [deep[0]]}
    if blocks:
        inputs["attention_mask"] = masks_of_blocks(model.config.sliding_window, cut=cut)
    with torch.no_grad():
        out = model(**inputs, output_attentions=True)
        logits = getattr(out, "logits", None)
        if logits is None:
            logits = out.last_hidden_state @ model.embed_tokens.weight.T
    attention = torch.cat(out.attentions).numpy()
    return Truth(model, spec, embeddings, positions, deep, logits[0].numpy(), attention)


@pytest.fixture(scope="module")
def session(truth: Truth, tmp_path_factory: pytest.TempPathFactory) -> Any:
    tensors = {name: tensor.numpy() for name, tensor in truth.model.state_dict().items()}
    path = tmp_path_factory.mktemp("graph") / "decoder.onnx"
    weights = DecoderWeights(tensors, truth.spec.kind.tensors)
    build_decoder(truth.spec, weights, path, Floating())
    return ort.InferenceSession(path, providers=["CPUExecutionProvider"])


def run(
    session: Any, truth: Truth, start: int, stop: int, past: list[np.ndarray], logits_from: int
) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """Feed positions `start` to `stop` after `past`; logits, attention and the new past."""
    spec = truth.spec
    pairs = [f"{layer}.{kind}" for layer in range(spec.layers) for kind in ("key", "value")]
    feeds = {
        "inputs_embeds": truth.embeddings[:, start:stop].numpy(),
        "position_ids": truth.positions[..., start:stop].numpy(),
        "attention_mask": np.ones((1, stop), np.int64),
        "logits_from": np.array([logits_from]),
        **{f"past_key_values.{pair}": each for pair, each in zip(pairs, past, strict=True)},
    }
    if truth.deepstack is not None:
        feeds["deepstack_embeds"] = truth.deepstack[:, None, start:stop].numpy()
    if spec.blocks:
        feeds["blocks"] = BLOCKS[:stop].numpy()
    wanted = ["logits", "attention", *[f"present.{pair}" for pair in pairs]]
    logits, attention, *present = session.run(wanted, feeds)
    return logits[0], attention, present


def nothing(spec: DecoderSpec) -> list[np.ndarray]:
    return [np.zeros((1, spec.kv_heads, 0, spec.head_dim), np.float32)] * (2 * spec.layers)


def test_prefill_and_decode_equal_transformers(session: Any, truth: Truth) -> None:
    past, stops = nothing(truth.spec), [0, 11, 12, 13, LENGTH]  # no block is cut
    for start, stop in itertools.pairwise(stops):
        logits, attention, past = run(session, truth, start, stop, past, 0)
        np.testing.assert_allclose(logits, truth.logits[start:stop], atol=1e-4, rtol=1e-4)
        row = truth.attention[:, :, stop - 1, :stop]
        np.testing.assert_allclose(attention, row, atol=1e-5)
        np.testing.assert_allclose(attention.sum(-1), 1, atol=1e-5)


def test_only_the_wanted_positions_have_logits(session: Any, truth: Truth) -> None:
    logits, attention, _ = run(session, truth, 0, LENGTH, nothing(truth.spec), LENGTH - 2)
    np.testing.assert_allclose(logits, truth.logits[-2:], atol=1e-4, rtol=1e-4)
    np.testing.assert_allclose(attention, truth.attention[:, :, -1], atol=1e-5)


def test_an_unknown_architecture_is_named() -> None:
    with pytest.raises(BundleError, match="type mamba"):
        read_spec({"model_type": "mamba"})


def test_heads_that_onnx_runtime_refuses_are_refused_before_the_export() -> None:
    config = tf.LlamaConfig.from_dict({**SIZES, "head_dim": 24}).to_dict()
    with pytest.raises(BundleError, match="heads are 24 wide"):
        read_spec(config)


def test_weights_without_a_language_model_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="no language model"):
        DecoderWeights({"vision.layers.0.self_attn.q_proj.weight": np.zeros((1, 1), np.float32)})
