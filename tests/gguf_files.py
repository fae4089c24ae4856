"""Language models as llama.cpp's files have them, of any sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Kind = gguf.GGMLQuantizationType

_NAMES = {
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "model.embed_tokens": "token_embd",
    "model.norm": "output_norm",
}


def write_gguf(
    path: Path,
    sizes: Mapping[str, Any],
    weights: Mapping[str, Floats],
    tokens: Sequence[str],
    merges: Sequence[str],
    *,
    special: int = 0,
    kind: Kind = Kind.Q4_1,
) -> Path:
    """A Llama of a configuration's `sizes`; the first `special` tokens are no text. Matrices are
    stored as `kind` has them."""
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_block_count(sizes["num_hidden_layers"])
    writer.add_context_length(sizes["max_position_embeddings"])
    writer.add_embedding_length(sizes["hidden_size"])
    writer.add_feed_forward_length(sizes["intermediate_size"])
    writer.add_head_count(sizes["num_attention_heads"])
    writer.add_head_count_kv(sizes["num_key_value_heads"])
    writer.add_layer_norm_rms_eps(sizes["rms_norm_eps"])
    writer.add_rope_freq_base(sizes["rope_theta"])
    writer.add_vocab_size(sizes["vocab_size"])
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(list(tokens))
    control, normal = gguf.TokenType.CONTROL, gguf.TokenType.NORMAL
    writer.add_token_types([control] * special + [normal] * (len(tokens) - special))
    writer.add_token_merges(list(merges))
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    for name, array in weights.items():
        _add(writer, name, _ordered(name, array, sizes), kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _add(writer: gguf.GGUFWriter, name: str, array: Floats, kind: Kind) -> None:
    own = name.removesuffix(".weight").replace("model.layers.", "blk.")
    for theirs, ours in _NAMES.items():
        own = own.replace(theirs, ours)
    if array.ndim == 1:
        writer.add_tensor(f"{own}.weight", array)
    else:
        writer.add_tensor(f"{own}.weight", gguf.quants.quantize(array, kind), raw_dtype=kind)


def _ordered(name: str, array: Floats, sizes: Mapping[str, Any]) -> Floats:
    """llama.cpp turns neighbouring numbers of a query or key, where transformers turns halves."""
    heads = {
        "q_proj.weight": sizes["num_attention_heads"],
        "k_proj.weight": sizes["num_key_value_heads"],
    }.get(".".join(name.split(".")[-2:]))
    if heads is None:
        return array
    halves = array.reshape(heads, 2, -1, array.shape[1])
    return np.ascontiguousarray(halves.swapaxes(1, 2).reshape(array.shape))
