"""CIDEr-D a caption at a time, against the known implementation."""

from __future__ import annotations

import pytest
from pycocoevalcap.cider.cider import Cider

from mmgpt_desktop.training.consensus import Consensus

REFERENCES = {
    "a": ["a brown dog runs on the grass", "a dog runs", "the brown dog is running on grass"],
    "b": ["two men sit on a bench", "men on a bench in the park"],
    "c": ["a red ball", "the ball is red and lies on the grass"],
}
CAPTIONS = {
    "a": "a brown dog dog runs in the park",
    "b": "two men sit on a bench",
    "c": "nothing like it",
}


def test_it_is_the_known_figure() -> None:
    consensus = Consensus(
        {photo: [t.split() for t in texts] for photo, texts in REFERENCES.items()}
    )
    _, known = Cider().compute_score(REFERENCES, {photo: [t] for photo, t in CAPTIONS.items()})
    ours = [consensus.score(photo, text.split()) for photo, text in CAPTIONS.items()]
    assert ours == pytest.approx(list(known))
    assert ours[1] > ours[0] > ours[2] == 0


def test_a_caption_without_words_agrees_with_nothing() -> None:
    consensus = Consensus({"a": [["a", "dog"]], "b": [["a", "cat"]]})
    assert consensus.score("a", []) == 0
    assert consensus.score("a", ["unseen"]) == 0
