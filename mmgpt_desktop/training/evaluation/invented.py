"""Does a description name people or animals that are not in the picture?

Captions show people and dogs in most photos, and a model that learns from them sees them
everywhere. Counted as Rohrbach et al. 2018 count objects ("Object hallucination in image
captioning"), on photos whose label maps say what is there.
"""

from __future__ import annotations

from collections.abc import Collection

from mmgpt_desktop.training.evaluation.tasks import words
from mmgpt_desktop.training.labels import CALLED
from mmgpt_desktop.training.questions import WORDS


def is_invented(text: str, there: Collection[str]) -> bool:
    """Whether it names a person, or an animal, though none is among the names of what is there."""
    named = {WORDS.plurals.get(word, word) for word in words(text).split()}
    return not {CALLED[word] for word in named if word in CALLED} <= set(there)
