"""The table of peers, at a size that takes no time."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mmgpt_desktop import cli, peers

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
    exact = [tokens for label, tokens in said.items() if "int" not in label]
    assert len(exact) == 5
    assert exact == [exact[0]] * 5
    assert len(said) == 11


def test_the_table_counts_by_the_clock(capsys: pytest.CaptureFixture[str]) -> None:
    ticks = iter(range(10_000))
    assert peers.run(5, 2, sizes=SMALL, clock=lambda: next(ticks)) == 0
    lines = capsys.readouterr().out.splitlines()
    rows = [line for line in lines if re.search(r" 1\.00 +1\.00$", line)]
    assert len(rows) == 11  # every answer took two ticks
    assert "4.0" in rows[0]  # four tokens after the prompt's, in one second


def test_the_option_runs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(peers, "run", lambda *given: asked.append(given) or 0)
    assert cli.main(["bench", "--peers", "--tokens", "8", "--rounds", "3"]) == 0
    assert asked == [(8, 3)]


def test_graphs_without_attention_share_the_weights(tmp_path: Path) -> None:
    peers.ours(SMALL, peers.random_weights(SMALL), tmp_path, 16)
    assert len(list(tmp_path.glob("*.data"))) == len(list(tmp_path.glob("*.bare.onnx"))) == 5
