"""The painter that begins with noise, tiny and with random weights."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from mmgpt_desktop.model.painting.flow_painter import Advance, FlowPainter
from mmgpt_desktop.model.painting.painter_config import FlowPainterConfig

TEXT, CELLS, CHANNELS = 5, 4, 6


@pytest.fixture(scope="module")
def painter() -> FlowPainter:
    torch.manual_seed(0)
    model = FlowPainter(
        FlowPainterConfig(
            text_width=12,
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            side=2,
            channels=CHANNELS,
        )
    )
    for parameter in model.parameters():
        if parameter.ndim > 1:
            torch.nn.init.normal_(parameter, std=0.2)
    model.eval()
    return model


@pytest.fixture
def words() -> tuple[Tensor, Tensor]:
    """Two pictures' states, and which say something."""
    torch.manual_seed(1)
    visible = torch.tensor([[True] * 3 + [False] * 2, [True] * 5])
    return torch.randn(2, TEXT, 12), visible


def noise(seed: int = 2) -> Tensor:
    return torch.randn(2, CELLS, CHANNELS, generator=torch.Generator().manual_seed(seed))


def test_what_pads_the_words_says_nothing(
    painter: FlowPainter, words: tuple[Tensor, Tensor]
) -> None:
    states, visible = words
    other = states.clone()
    other[0, 3:] += 5
    time = torch.full((2,), 0.3)
    one, two = (
        painter.move(noise(), time, painter.read(each), visible) for each in (states, other)
    )
    torch.testing.assert_close(one.velocity, two.velocity)
    assert one.attention.shape == (2, 2, 2, CELLS, TEXT)
    assert not one.attention[0, ..., 3:].any()
    whole = one.attention.sum(dim=-1)
    assert bool(((whole > 0) & (whole < 1)).all()), "the rest goes to the null cell"
    other[0, 0] += 5
    three = painter.move(noise(), time, painter.read(other), visible)
    assert not torch.allclose(three.velocity[0], one.velocity[0])
    torch.testing.assert_close(three.velocity[1], one.velocity[1])


def test_the_time_matters(painter: FlowPainter, words: tuple[Tensor, Tensor]) -> None:
    states, visible = words
    read = painter.read(states)
    early, late = (
        painter.move(noise(), torch.full((2,), each), read, visible).velocity for each in (0.1, 0.9)
    )
    assert not torch.allclose(early, late)


def test_the_loss_is_that_of_the_straight_way(
    painter: FlowPainter, words: tuple[Tensor, Tensor]
) -> None:
    """By hand: at time t the cells are between noise and picture, and the velocity is the gap."""
    states, visible = words
    cells, start, times = noise(3), noise(4), torch.tensor([0.25, 0.75])
    loss = painter(cells, states, visible, times=times, noise=start)["loss"]
    between = torch.stack([0.75 * start[0] + 0.25 * cells[0], 0.25 * start[1] + 0.75 * cells[1]])
    moved = painter.move(between, times, painter.read(states), visible).velocity
    torch.testing.assert_close(loss, (moved - (cells - start)).pow(2).mean())


def advanced(
    painter: FlowPainter, words: tuple[Tensor, Tensor], time: float, span: float, guidance: float
) -> Advance:
    numbers = (torch.tensor([each]) for each in (time, span, guidance))
    return painter.advance(noise(), *words, *numbers)


def test_a_step_goes_a_span_of_the_way_to_its_end(
    painter: FlowPainter, words: tuple[Tensor, Tensor]
) -> None:
    states, visible = words
    found = advanced(painter, words, time=0.5, span=0.25, guidance=1.0)
    moved = painter.move(noise(), torch.full((2,), 0.5), painter.read(states), visible)
    torch.testing.assert_close(found.cells, noise() + moved.velocity / 4, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(found.end, noise() + moved.velocity / 2, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(found.attention, moved.attention, atol=1e-5, rtol=1e-4)


def test_guidance_moves_away_from_the_picture_without_words(
    painter: FlowPainter, words: tuple[Tensor, Tensor]
) -> None:
    states, visible = words
    nothing = torch.zeros_like(states)
    found = advanced(painter, words, time=0.0, span=1.0, guidance=3.0)
    told, untold = (
        painter.move(noise(), torch.zeros(2), painter.read(each), shown).velocity
        for each, shown in ((states, visible), (nothing, torch.zeros_like(visible)))
    )
    wanted = noise() + untold + 3 * (told - untold)
    torch.testing.assert_close(found.cells, wanted, atol=1e-5, rtol=1e-4)


def test_a_new_layer_begins_as_if_it_were_not_there() -> None:
    model = FlowPainter(
        FlowPainterConfig(text_width=8, hidden_size=32, num_attention_heads=2, side=2)
    )
    loss = model(torch.ones(1, 4, 16), torch.zeros(1, 3, 8), torch.ones(1, 3) > 0)["loss"]
    assert torch.isfinite(loss)
    moved = model.move(
        torch.randn(1, 4, 16),
        torch.zeros(1),
        model.read(torch.randn(1, 3, 8)),
        torch.ones(1, 3) > 0,
    )
    assert not moved.velocity.any()
