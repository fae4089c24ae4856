"""The file that says how often a run draws what."""

from __future__ import annotations

from pathlib import Path

import pytest

from mmgpt_desktop.errors import AppError
from mmgpt_desktop.model.configuration import FUSIONS
from mmgpt_desktop.training.mixture import DEFAULT, Mixture

GOOD = DEFAULT.read_text(encoding="utf-8")


def test_the_default_names_all_fusions_and_the_kinds_that_are_made() -> None:
    mixture = Mixture.read()
    assert set(mixture.fusions) == set(FUSIONS)
    assert {"caption", "name", "truefalse", "yesno"} <= set(mixture.kinds)
    assert 0 <= mixture.shares.mirrored <= 1


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (GOOD.replace("concat", "guesswork"), "no such fusion: guesswork"),
        (GOOD.replace("[kinds]", "[sorts]"), "kinds"),
        (GOOD.replace("mirrored = 0.5", "mirrored = true or false"), "line"),
        (GOOD.replace("mirrored = 0.5", "mirrored = 'often'"), "must be a number"),
        (GOOD.replace("mirrored =", "turned ="), "shares.mirrored is missing"),
        (GOOD.replace("varied =", "vary ="), "nothing is called shares.vary here"),
        (GOOD.replace("mirrored = 0.5", "mirrored = 1.5"), "from 0 to 1"),
        ("fusions = 3\n" + GOOD.replace("[fusions]", "[rest]"), "must be a table"),
        ("", "shares is missing"),
    ],
)
def test_what_is_no_mixture_is_told_in_a_sentence(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "mixture.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(AppError, match=r"The mixture mixture\.toml can't be used") as error:
        Mixture.read(path)
    assert reason in error.value.title


def test_a_missing_mixture_is_told_too(tmp_path: Path) -> None:
    with pytest.raises(AppError, match=r"nothing\.toml"):
        Mixture.read(tmp_path / "nothing.toml")
