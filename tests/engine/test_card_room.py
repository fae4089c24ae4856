"""The graph that makes room on a graphics card, run by the processor."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.graphs.card_room import room_feeds, room_graph, room_of
from mmgpt_desktop.engine.onnx_runtime import make_session, run_session

NAMES = ("past_key_values.0.key", "past_key_values.0.value")


@pytest.mark.parametrize(("held", "filled", "room"), [(0, 0, 5), (6, 4, 3), (6, 6, 0), (1, 1, 256)])
def test_what_is_filled_comes_first_and_zeros_follow(held: int, filled: int, room: int) -> None:
    session = make_session(room_graph(NAMES, np.float16), Path(), cuda=False)
    random = np.random.default_rng(1)
    pasts = {name: random.normal(size=(1, 2, held, 4)).astype(np.float16) for name in NAMES}
    feeds = {**pasts, **room_feeds(filled, room)}
    found = run_session(session, [room_of(name) for name in NAMES], feeds, CancelToken())
    for name, values in zip(NAMES, found, strict=True):
        assert values.shape == (1, 2, filled + room, 4)
        assert values.dtype == np.float16
        assert (values[:, :, :filled] == pasts[name][:, :, :filled]).all()
        assert (values[:, :, filled:] == 0).all()
