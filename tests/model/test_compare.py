"""The table that chooses the default precision, on a tiny checkpoint."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mmgpt_desktop import cli
from mmgpt_desktop.errors import BundleError
from mmgpt_desktop.export.compare import (
    Difference,
    Row,
    compare,
    input_products,
    open_language,
    table_of,
    ways,
)
from tests.public_models import tiny_smolvlm


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_smolvlm(tmp_path_factory.mktemp("model") / "tiny-smolvlm", head_dim=16)


def test_every_way_has_a_row(checkpoint: Path, tmp_path: Path) -> None:
    told = list[str]()
    rows = compare(open_language(checkpoint), tmp_path, told.append)
    assert [row.name for row in rows] == list(ways({})) == told[1:]
    found = {row.name: row.difference for row in rows}
    assert found["fp32"] == Difference(1, 0)
    assert found["fp16"].agreement > 0.95
    four = [row for row in rows if row.name.startswith("int4")]
    assert all(row.difference.attention > found["fp16"].attention for row in four)
    assert all(row.rate > 0 and row.prefill > 0 for row in rows)


def test_what_goes_into_a_layer_is_what_it_multiplies(checkpoint: Path, tmp_path: Path) -> None:
    language = open_language(checkpoint)
    products = input_products(language, tmp_path)
    assert products.keys() >= {"lm_head", "layers.1.mlp.down_proj"}
    norm = language.weights["layers.0.input_layernorm.weight"]
    expected = np.zeros((32, 32))
    for text in language.calibration:
        x = language.table[list(text)]
        x = norm * x / np.sqrt(np.square(x).mean(-1, keepdims=True) + language.spec.epsilon)
        expected += x.T @ x
    given = products["layers.0.self_attn.q_proj+k_proj+v_proj"]
    np.testing.assert_allclose(given, expected, rtol=1e-3, atol=1e-2)


def test_the_quickest_of_the_true_enough_is_named() -> None:
    rows = [
        Row("true", Difference(1.0, 0.0), 100, 10, 20),
        Row("near", Difference(0.95, 0.02), 50, 10, 30),
        Row("forgetful", Difference(0.94, 0.0), 50, 10, 40),
        Row("astray", Difference(1.0, 0.03), 50, 10, 50),
    ]
    assert table_of(rows).endswith("near.")


def test_the_command_wants_a_folder_or_compares(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["export", str(checkpoint)]) == 2
    assert "Name the new folder" in capsys.readouterr().err
    assert cli.main(["export", str(checkpoint), "--compare"]) == 0
    assert "agreement  attention" in capsys.readouterr().out
    with pytest.raises(BundleError, match="holds no model that can be compared"):
        open_language(tmp_path)
