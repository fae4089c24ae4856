"""Questions made from captions: colour, count, action, place and yes/no.

Each maker reads the lower-case captions of one photo and yields question-answer pairs that
the captions themselves answer; nothing is guessed from the picture.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence

QA = tuple[str, str]

COLOURS = [
    "red",
    "blue",
    "green",
    "yellow",
    "black",
    "white",
    "brown",
    "orange",
    "pink",
    "purple",
    "gray",
    "grey",
    "tan",
    "gold",
    "silver",
    "blond",
]
_COLOUR_ALIASES = {"grey": "gray"}
_COLOURED = set(
    [
        "dog",
        "dogs",
        "shirt",
        "shirts",
        "jacket",
        "ball",
        "hat",
        "dress",
        "shorts",
        "hair",
        "coat",
        "pants",
        "grass",
        "helmet",
        "uniform",
        "uniforms",
        "collar",
        "toy",
        "car",
        "water",
        "sweater",
        "slide",
        "outfit",
        "frisbee",
        "building",
        "jersey",
        "cap",
        "jeans",
        "bird",
        "flowers",
        "bike",
        "sky",
        "horse",
        "suit",
        "kayak",
        "vest",
        "surfboard",
        "sweatshirt",
        "motorcycle",
        "object",
        "boat",
        "scarf",
        "skirt",
        "rope",
        "wall",
        "backpack",
        "puppy",
        "wetsuit",
        "bicycle",
        "umbrella",
        "fence",
        "bench",
        "swimsuit",
        "headband",
        "blanket",
        "shoes",
        "clothes",
        "bag",
        "couch",
        "leash",
        "beard",
        "sunglasses",
        "truck",
        "tie",
        "chair",
        "boots",
        "raft",
        "cat",
        "sled",
        "board",
        "tube",
        "bucket",
        "gloves",
        "tunnel",
        "cow",
        "bus",
        "train",
        "sign",
        "table",
        "cloth",
        "house",
        "door",
        "flower",
        "kite",
        "tent",
        "towel",
        "guitar",
        "cup",
        "plate",
        "vase",
        "apron",
        "bandanna",
        "hoodie",
        "costume",
        "goggles",
        "wig",
        "trunks",
    ]
)
_NUMBERS = {"two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7"}
_PLURALS = {
    "people": "person",
    "dogs": "dog",
    "men": "man",
    "women": "woman",
    "children": "child",
    "girls": "girl",
    "boys": "boy",
    "kids": "kid",
    "horses": "horse",
    "puppies": "puppy",
    "players": "player",
    "cats": "cat",
    "birds": "bird",
    "cows": "cow",
    "zebras": "zebra",
    "giraffes": "giraffe",
    "elephants": "elephant",
    "bikes": "bike",
    "boats": "boat",
    "cars": "car",
    "surfers": "surfer",
}
_PERSON = {"man", "woman", "boy", "girl", "child", "person", "people", "lady", "guy", "kid"}
_ACTORS = [
    "man",
    "woman",
    "boy",
    "girl",
    "child",
    "person",
    "dog",
    "lady",
    "guy",
    "kid",
    "baby",
    "toddler",
    "surfer",
    "skier",
    "player",
    "bird",
    "horse",
    "skateboarder",
    "snowboarder",
    "cat",
    "cyclist",
    "biker",
    "puppy",
    "player",
    "singer",
    "climber",
]
THINGS = [
    "man",
    "woman",
    "boy",
    "girl",
    "child",
    "dog",
    "cat",
    "horse",
    "bird",
    "bike",
    "bicycle",
    "motorcycle",
    "car",
    "truck",
    "bus",
    "train",
    "boat",
    "kayak",
    "surfboard",
    "skateboard",
    "snowboard",
    "ball",
    "frisbee",
    "beach",
    "snow",
    "grass",
    "water",
    "ocean",
    "lake",
    "river",
    "pool",
    "mountain",
    "rock",
    "tree",
    "fence",
    "bench",
    "table",
    "chair",
    "bed",
    "couch",
    "window",
    "building",
    "street",
    "road",
    "sidewalk",
    "hat",
    "helmet",
    "shirt",
    "jacket",
    "dress",
    "backpack",
    "camera",
    "guitar",
    "microphone",
    "umbrella",
    "sign",
    "flag",
    "swing",
    "slide",
    "trampoline",
    "tent",
    "stage",
    "kitchen",
    "pizza",
    "cake",
    "plate",
    "book",
    "stick",
    "rope",
    "leash",
    "toy",
    "ramp",
    "sand",
    "hill",
    "forest",
    "field",
    "crowd",
    "baby",
    "sunglasses",
    "glasses",
    "flower",
    "bridge",
    "stairs",
    "tunnel",
    "wave",
    "kite",
    "tennis",
    "soccer",
    "football",
    "baseball",
    "basketball",
    "cow",
    "elephant",
    "giraffe",
    "zebra",
]
_RELATED = {
    "man": {"men", "guy", "people", "person", "player", "boy", "biker", "surfer", "skier", "male"},
    "woman": {"women", "lady", "people", "person", "girl", "female", "player", "bride"},
    "boy": {"child", "kid", "children", "toddler", "people", "person", "man", "baby", "boys"},
    "girl": {"child", "kid", "children", "toddler", "people", "person", "woman", "baby", "girls"},
    "child": {"boy", "girl", "kid", "children", "toddler", "baby", "kids", "boys", "girls"},
    "baby": {"toddler", "child", "infant"},
    "bike": {"bicycle", "motorcycle", "biker", "bicyclist", "cyclist", "bmx", "dirtbike"},
    "bicycle": {"bike", "biker", "bicyclist", "cyclist", "bmx", "motorcycle"},
    "motorcycle": {"bike", "biker", "motorcyclist", "dirtbike", "motorbike"},
    "ocean": {"water", "sea", "beach", "wave", "waves", "surf", "surfer", "lake"},
    "water": {"ocean", "lake", "river", "pool", "sea", "wave", "beach", "pond", "stream", "surf"},
    "lake": {"water", "ocean", "river", "pond"},
    "river": {"water", "lake", "stream", "creek"},
    "beach": {"sand", "ocean", "shore", "sandy", "sea"},
    "sand": {"beach", "sandy", "desert", "shore"},
    "snow": {"snowy", "ski", "skier", "snowboarder", "snowboard", "ice", "sled"},
    "grass": {"grassy", "field", "lawn", "park", "yard"},
    "field": {"grass", "grassy", "soccer", "football", "baseball", "park"},
    "street": {"road", "sidewalk", "city"},
    "road": {"street", "path", "highway"},
    "hill": {"mountain", "slope"},
    "mountain": {"hill", "mountains", "cliff", "rock"},
    "forest": {"woods", "trees", "tree", "wooded"},
    "tree": {"trees", "forest", "woods", "wooded"},
    "couch": {"sofa"},
    "glasses": {"sunglasses"},
    "crowd": {"people", "group", "audience"},
    "ball": {"soccer", "tennis", "football", "baseball", "basketball", "volleyball"},
    "shirt": {"t", "jersey", "top", "sweater", "uniform"},
    "kitchen": {"stove", "oven", "cooking", "sink"},
    "wave": {"waves", "surf", "surfing", "ocean", "surfer"},
    "hat": {"cap", "helmet"},
    "dog": {"puppy", "poodle", "greyhound", "retriever", "shepherd", "terrier"},
}
_CLAUSE_END = re.compile(r"[.,;]| while | as | and (?=a |the |his |her |is |are )")
_COLOUR_NOUN = re.compile(
    rf"\b({'|'.join(COLOURS)})(?: and ({'|'.join(COLOURS)}))? (\w+)(?: (\w+))?"
)
_COUNT_NOUN = re.compile(
    rf"\b({'|'.join(_NUMBERS)}) (?:(?:young|little|small|other|black|white|brown|older) )?(\w+)"
)
_ACTION = re.compile(rf"\b({'|'.join(_ACTORS)}) (?:in [^.,]{{3,40}} )?(?:is |are )?(\w+ing\b[^.]*)")
_PLACE = re.compile(
    r"\b((?:on|in|at|through|down|along|across|near|under|inside|over) (?:a|an|the) [\w ]*?"
    r"(?:beach|street|field|park|water|pool|snow|grass|road|sidewalk|forest|woods|mountain|lake"
    r"|ocean|river|room|kitchen|city|hill|yard|track|stage|playground|sand|bench|bed|couch"
    r"|table|desert|bathroom|office|store|restaurant|station|court|stadium|ice|bridge))\b"
)
_NOT_ACTIONS = {"clothing", "building", "evening", "morning", "swimming", "ceiling", "string"}


def colour_questions(captions: Sequence[str]) -> Iterator[QA]:
    for caption in captions:
        for first, second, noun, after in _COLOUR_NOUN.findall(caption):
            if noun in {"t", "tank"} and after in {"shirt", "top"}:
                noun = f"{noun} {after}"
            elif noun not in _COLOURED or after in {"dog", "shirt", "coat"}:
                continue
            names = [_COLOUR_ALIASES.get(c, c) for c in (first, second) if c]
            verb = "are" if noun.endswith("s") and not noun.endswith(("ss", "grass")) else "is"
            yield f"what color {verb} the {noun}", " and ".join(names)


def count_questions(captions: Sequence[str]) -> Iterator[QA]:
    for caption in captions:
        for number, noun in _COUNT_NOUN.findall(caption):
            if noun in _PLURALS:
                yield f"how many {noun} are there", _NUMBERS[number]
    text = " ".join(captions)
    words = set(text.split())
    for plural, singular in _PLURALS.items():
        alone = sum(f"a {singular} " in caption for caption in captions)
        several = {plural, "two", "several", "group", "couple", "another", "other", "people"}
        if alone * 2 > len(captions) and not words & several:
            yield f"how many {plural} are there", "1"


def action_questions(captions: Sequence[str]) -> Iterator[QA]:
    for caption in captions:
        match = _ACTION.search(caption)
        if match is None or match[2].split()[0] in _NOT_ACTIONS:
            continue
        if match[2].startswith("wearing"):
            answer = _clause(match[2].removeprefix("wearing"))
            yield f"what is the {match[1]} wearing", answer
        else:
            yield f"what is the {match[1]} doing", _clause(match[2])


def place_questions(captions: Sequence[str]) -> Iterator[QA]:
    for caption in captions:
        place = _PLACE.search(caption)
        actor = next((w for w in caption.split() if w in _ACTORS), None)
        if place and actor and len(place[1].split()) <= 6:
            yield f"where is the {actor}", place[1]


def animal_questions(captions: Sequence[str]) -> Iterator[QA]:
    animals = ("dog", "cat", "horse", "bird", "cow", "elephant", "giraffe", "zebra", "bear")
    text = " ".join(captions)
    for animal in animals:
        if len(re.findall(rf"\b{animal}s?\b", text)) * 2 > len(captions):
            yield "what animal is this", animal
            yield "what animal is in the picture", animal


def yes_no_questions(captions: Sequence[str], rng: random.Random) -> Iterator[QA]:
    """As many no as yes; the no things are none that a caption names or implies."""
    text = " ".join(captions)
    words = set(re.findall(r"\w+", text)) | {w[:-1] for w in re.findall(r"\w+s\b", text)}
    people = bool(words & _PERSON)
    present = [thing for thing in THINGS if thing in words]
    absent = [
        thing
        for thing in THINGS
        if thing not in words
        and not _RELATED.get(thing, set()) & words
        and not (people and thing in _PERSON)
    ]
    if not present or len(absent) < len(present):
        return
    for thing in present:
        yield f"is there {article(thing)}", "yes"
    for thing in rng.sample(absent, len(present)):
        yield f"is there {article(thing)}", "no"
    for question, answer in colour_questions(captions):
        noun = question.split(" the ")[-1]
        wrong = rng.choice([c for c in COLOURS[:10] if c not in text])
        if " and " not in answer and " is " in question:
            pair = [(answer, "yes"), (wrong, "no")]
            colour, reply = rng.choice(pair)
            yield f"is the {noun} {colour}", reply


def caption_questions(captions: Sequence[str], rng: random.Random) -> dict[str, list[QA]]:
    """All questions that the captions of one photo answer, by kind."""
    lower = [caption.lower() for caption in captions]
    made = {
        "colour": list(colour_questions(lower)),
        "count": list(count_questions(lower)),
        "action": list(action_questions(lower)),
        "place": list(place_questions(lower)),
        "animal": list(animal_questions(lower)),
        "yesno": list(yes_no_questions(lower, rng)),
    }
    return {kind: sorted(set(pairs)) for kind, pairs in made.items() if pairs}


def _clause(text: str) -> str:
    """The first clause, of at most eight words."""
    words = _CLAUSE_END.split(text.strip())[0].split()[:8]
    while len(words) > 1 and words[-1] in {"a", "an", "the", "in", "on", "of", "with", "to", "his"}:
        words.pop()
    return " ".join(words)


def article(noun: str) -> str:
    if noun in {"snow", "grass", "water", "sand", "stairs", "glasses", "sunglasses"}:
        return f"any {noun}"
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"
