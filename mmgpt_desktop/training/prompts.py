"""The many ways in which people ask for the same thing."""

from __future__ import annotations

import random

DESCRIBE = (
    "Describe this picture.",
    "Describe the picture.",
    "Describe this photo.",
    "What is happening here?",
    "What is happening in this picture?",
    "What's going on here?",
    "What do you see?",
    "What can you see in this photo?",
    "What does the picture show?",
    "Caption this image.",
    "Write a caption.",
    "What is in this picture?",
    "Tell me what is in the photo.",
)
BRIEF = (
    "Describe this picture briefly.",
    "Describe this photo in a few words.",
    "Give a short caption.",
    "Say in short what you see.",
)
DETAIL = (
    "Describe this picture in detail.",
    "Give a long description of this photo.",
    "Describe everything that you see.",
    "Tell me more about this picture.",
)
SENTENCE = ("Say one thing about this picture.", "Name a detail of this photo.")
SCENE = (
    "What place is this?",
    "What kind of place is this?",
    "Where was this photo taken?",
    "What scene is this?",
    "Where is this?",
)
OBJECTS = (
    "List the objects.",
    "What objects are in the picture?",
    "Which objects do you see?",
    "Name the things in this photo.",
)
ACTIONS = ("What are the people doing? List the actions.", "Which actions do you see?")
LABEL = ("What is this?", "What product is this?", "Name this.", "What is it called?")
TITLE = ("Write a shop title for this.", "What product is this?", "Give this item a title.")
NAME = (
    "What is the main thing here?",
    "Name the main thing in this picture.",
    "What is this?",
    "What is it?",
    "What is this thing called?",
    "What am I looking at?",
)
NAME_ANIMAL = ("What animal is this?", "What kind of animal is it?")
NAME_DOG = ("What breed is this dog?", "What kind of dog is this?")
TRUE_FALSE = ("Is this true? {}", "True or not: {}", "{} Is that right?", "{} Yes or no?")
NO_PICTURE = "I need a picture to answer that."


def spoken(question: str, rng: random.Random) -> str:
    """A lower-case question as people type it: mostly a capital and a question mark."""
    question = question.strip().rstrip("?").strip()
    if rng.random() < 0.5:
        question = question.replace("color", "colour")
    if rng.random() < 0.3 and question.startswith("how many"):
        question = question.replace("are there", "are in the picture")
    style = rng.random()
    if style < 0.75:
        return question[:1].upper() + question[1:] + "?"
    return question if style < 0.85 else question + "?"
