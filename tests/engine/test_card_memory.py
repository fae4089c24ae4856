"""Is there room for a model, in the computer and on its card?"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mmgpt_desktop.engine import graphics_card, memory
from mmgpt_desktop.engine.checkpoint_engine import CheckpointEngine
from mmgpt_desktop.engine.memory import (
    BESIDE,
    free_memories,
    free_with_card,
    has_room,
    require_card_memory,
)
from mmgpt_desktop.engine.open_engine import open_engine
from mmgpt_desktop.errors import CardFailure
from tests.families.checkpoints import tiny_smolvlm
from tests.tiny_bundle import make_tiny_bundle

GIGA = 10**9
Free = Callable[[int, int | None], None]


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> Free:
    def set_free(computer: int, on_card: int | None) -> None:
        monkeypatch.setattr(memory, "free_memory", lambda: computer)
        monkeypatch.setattr(graphics_card, "free_memory", lambda: on_card)

    return set_free


def test_a_model_wants_room_in_the_computer_and_on_a_card(free: Free) -> None:
    free(8 * GIGA, None)
    assert has_room(7 * GIGA, 100 * GIGA)
    assert not has_room(8 * GIGA, 0)
    free(8 * GIGA, 4 * GIGA)
    assert has_room(7 * GIGA, 3 * GIGA)
    assert not has_room(7 * GIGA, 4 * GIGA)
    assert (free_memories(), free_with_card()) == ((8 * GIGA, 4 * GIGA), 4 * GIGA)
    free(2 * GIGA, 4 * GIGA)
    assert free_with_card() == 2 * GIGA
    free(2 * GIGA, None)
    assert (free_memories(), free_with_card()) == ((2 * GIGA, None), 2 * GIGA)


def test_a_card_without_room_is_one_sentence(free: Free) -> None:
    free(64 * GIGA, 2 * GIGA)
    require_card_memory(2 * GIGA - BESIDE)
    with pytest.raises(CardFailure) as caught:
        require_card_memory(2 * GIGA)
    assert caught.value.title == (
        "The graphics card has too little memory for this model: it needs about 2.3 GB,"
        " and 2.0 GB are free."
    )
    free(64 * GIGA, None)  # nobody tells
    require_card_memory(100 * GIGA)


@pytest.mark.parametrize("make", [tiny_smolvlm, make_tiny_bundle])
def test_room_is_made_before_a_model_is_loaded_that_has_none(
    make: Callable[[Path], Path], tmp_path: Path, free: Free
) -> None:
    folder = make(tmp_path / "model")
    made = list[bool]()

    def make_room() -> None:
        made.append(True)
        free(64 * GIGA, None)

    free(64 * GIGA, None)
    engine = open_engine(folder)
    engine.load(make_room=make_room)
    engine.close()
    assert not made

    free(BESIDE, None)
    engine = open_engine(folder)
    engine.load(make_room=make_room)
    engine.close()
    assert made == [True]


def test_what_a_checkpoint_wants_is_whole_in_the_computer_and_half_on_a_card(
    tmp_path: Path,
) -> None:
    engine = CheckpointEngine(tiny_smolvlm(tmp_path / "model"))
    engine.load()
    count = engine.checkpoint.parameters
    assert engine.room_wanted() == (4 * count, 2 * count)
    engine.close()
