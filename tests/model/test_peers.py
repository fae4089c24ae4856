"""The table of peers, at a size that takes no time."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from mmgpt_desktop import cli, peers, rivals

SMALL = {
    **peers.SIZES,
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 96,
    "vocab_size": 100,
}


def test_everyone_says_the_same_with_the_same_weights(tmp_path: Path) -> None:
    weights = peers.random_weights(SMALL)
    table = weights["model.embed_tokens.weight"]
    prompt, said = table[[5, 3, 8, 1]][None], {}
    for each in [peers.eager(SMALL, weights), *peers.ours(SMALL, weights, tmp_path, 16)]:
        tokens = [each.feed(prompt, True)]
        for _ in range(4):
            tokens.append(each.feed(table[tokens[-1]][None, None], False))
        said[each.label] = tokens
    exact = [tokens for label, tokens in said.items() if "32" in label or "16" in label]
    assert exact == [said["transformers eager, attention"]] * 4
    assert len(said) == 13


def test_the_table_counts_by_the_clock(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peers, "missing", lambda *names: ", ".join(names))
    ticks = iter(range(10_000))
    assert peers.run(5, 2, sizes=SMALL, clock=lambda: next(ticks), pictures=False) == 0
    lines = capsys.readouterr().out.splitlines()
    rows = [line for line in lines if re.search(r" 1\.00 +1\.00 +-", line)]
    assert lines[-2] == "onnxruntime-genai int4: not installed (onnxruntime-genai)."
    assert lines[-1] == "llama.cpp Q4_1: not installed (xllamacpp, gguf)."
    assert len(rows) == 13
    assert sum("+0.0 %" in row for row in rows) == 6  # those with a twin without attention
    assert "1.0" in rows[0].split()  # four tokens after the prompt's, in a second each


def test_twins_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a busy second hurts both, and not what attention seems to cost."""
    fed, ticks = list[str](), iter(range(100))

    def contender(name: str) -> peers.Contender:
        return peers.Contender(
            name,
            lambda _embeddings, new: len(fed.append(name + "p" * new) or fed),
            renew=lambda: fed.append(name + "r"),
        )

    table, prompt = np.zeros((20, 4), np.float32), np.array([3, 4])
    group = [contender("a"), contender("b")]
    monkeypatch.setattr(peers, "TURN", 2)
    speeds = peers.answers(group, table, prompt, 4, lambda: next(ticks))
    assert fed == ["ar", "ap", "ap", "br", "bp", "bp", "a", "a", "b", "b", "a", "b"]
    assert speeds == [rivals.Speed(1, 3)] * 2


def test_what_is_not_installed_is_named() -> None:
    assert rivals.missing("numpy", "no-such-package") == "no-such-package"


def test_an_image_is_encoded_by_all_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1,
             "num_attention_heads": 2, "image_size": 64, "patch_size": 16}  # fmt: skip
    monkeypatch.setattr(peers, "VISION", small)
    theirs, graphs = peers.encoders_of(tmp_path)
    parts = theirs().pooler_output  # type: ignore[attr-defined]
    expected = np.concatenate([part.numpy().reshape(-1, 576) for part in parts])
    for precision, tolerance in (("fp32", 1e-4), ("int8", 0.1)):
        (found,) = graphs[precision]()  # type: ignore[misc]
        np.testing.assert_allclose(found, expected, atol=tolerance)


def test_the_option_runs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(peers, "run", lambda *given: asked.append(given) or 0)
    assert cli.main(["bench", "--peers", "--tokens", "8", "--rounds", "3"]) == 0
    assert asked == [(8, 3)]


def test_graphs_without_attention_share_the_weights(tmp_path: Path) -> None:
    peers.ours(SMALL, peers.random_weights(SMALL), tmp_path, 16)
    assert len(list(tmp_path.glob("*.bare.onnx"))) == 6
    assert len(list(tmp_path.glob("*.data"))) == 7  # one more: the prompt's
