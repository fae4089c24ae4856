"""What the table of results counts, against figures worked out by hand."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
import pytest
from pycocoevalcap.bleu.bleu import Bleu

from mmgpt_desktop.attention.words import Word
from mmgpt_desktop.messages import AttentionMap, Box, PatchGrid
from mmgpt_desktop.training.evaluation.baselines import MostFrequent
from mmgpt_desktop.training.evaluation.captions import caption_measures
from mmgpt_desktop.training.evaluation.cases import cells_on, list_items
from mmgpt_desktop.training.evaluation.evaluation import HEATMAP, hits
from mmgpt_desktop.training.evaluation.metrics import (
    Score,
    Statistic,
    accuracy_of_answered,
    balanced,
    bootstrap,
    calibration_error,
    mean,
    ratio,
    thresholded,
    wups,
)
from mmgpt_desktop.training.evaluation.table import CENTRE, GREY, RANDOM, Row, as_json, as_markdown
from mmgpt_desktop.training.evaluation.tasks import (
    NEW_WORDED,
    PhotoQuestion,
    draw_questions,
    in_new_words,
    words,
)
from mmgpt_desktop.training.evaluation.votes import Votes, answer_type
from mmgpt_desktop.training.photo_texts import PhotoTexts
from mmgpt_desktop.training.truth import is_invented


def photo(image: str, **pairs: list[tuple[str, str]]) -> PhotoTexts:
    return PhotoTexts(image, dict(pairs))


def question(
    kind: str, *answers: str, stem: str = "", image: str = "images/coco/a"
) -> PhotoQuestion:
    return PhotoQuestion(image, kind, stem, stem, answers)


def value(statistic: Statistic, items: int) -> float:
    return statistic(np.ones(items))


def test_captions_are_asked_once_a_photo_and_know_every_reference() -> None:
    photos = [photo("images/flickr8k/a.jpg", caption=[("", "A dog."), ("", "A cat.")])]
    (asked,) = draw_questions(photos, None)
    assert asked.answers == ("A dog.", "A cat.")


def test_captions_are_flickrs_and_questions_of_each_collection_a_task_of_their_own() -> None:
    pairs = {"caption": [("", "A dog.")], "vqa": [("what is it", "dog")]}
    places = ("coco", "daquar", "ade20k")
    asked = draw_questions([photo(f"images/{p}/a.jpg", **pairs) for p in places], None)
    assert [each.title for each in asked] == ["human questions (COCO)", "human questions (DAQUAR)"]
    statements = {"truefalse": [("A dog runs.", "yes")]}
    photos = [photo(f"images/{p}/a.jpg", **statements) for p in ("coco", "flickr8k")]
    assert len({each.title for each in draw_questions(photos, None)}) == 2
    assert len(draw_questions(photos, 0)) == 0


def test_what_boxes_count_is_told_from_what_captions_count() -> None:
    texts = photo("images/coco/a.jpg", count=[("how many dogs are there", "2"), ("how many", "1")])
    texts.counted = frozenset(["how many dogs are there"])
    titles = {each.answers[0]: each.title for each in draw_questions([texts], None)}
    assert titles == {"1": "made: count", "2": "made: count by boxes"}


@pytest.mark.parametrize(
    ("given", "right"), [("Rose.", True), ("a rose", True), ("a red rose", False), ("the", False)]
)
def test_a_name_is_right_with_or_without_an_article(given: str, right: bool) -> None:
    assert question("flower", "rose").is_right(given) is right
    assert question("thing", "a rose").is_right(given) is right
    assert question("who", "a rose").is_right("rose") is False


@pytest.mark.parametrize(
    ("given", "worth"), [("Two", 0.9), ("3", 0.6), ("four.", 0.3), ("a dozen", 1.0), ("9", 0.0)]
)
def test_an_answer_is_worth_what_it_is_among_ten_people_s(given: str, worth: float) -> None:
    votes = Votes({"2": 3, "three": 2, "4": 1, "dozen": 3, "the dozen": 1})
    assert votes.accuracy(given) == pytest.approx(worth)


def test_people_s_answers_are_of_three_types() -> None:
    kinds = [answer_type(question("vqa", answer)) for answer in ("Yes", "two", "12", "no one")]
    assert kinds == ["yes or no", "numbers", "numbers", "the rest"]


def test_a_human_question_counts_as_often_as_it_was_asked() -> None:
    pairs = [("what is it", "dog"), ("what is it", "cat")]
    asked = draw_questions([photo("images/daquar/a.jpg", vqa=pairs)], None)
    assert sorted(each.answers for each in asked) == [("cat",), ("dog",)]


def test_a_made_question_with_several_truths_is_asked_once_but_not_as_yes_or_no() -> None:
    colours = [("what color is the dog", "black"), ("what color is the dog", "white")]
    sides = [("is the dog black", "yes"), ("is the dog black", "no")]
    (asked,) = draw_questions([photo("images/coco/a.jpg", colour=colours, yesno=sides)], None)
    assert asked.answers == ("black", "white")


def test_actions_are_what_somebody_does_not_wears() -> None:
    pairs = [("what is the man doing", "running home"), ("what is the man wearing", "a hat")]
    (asked,) = draw_questions([photo("images/flickr8k/a.jpg", action=pairs)], None)
    assert asked.is_right("Running on grass")
    assert not asked.is_right("walking home")


def test_the_same_questions_are_drawn_every_time() -> None:
    pairs = [(f"what is {n}", str(n)) for n in range(50)]
    photos = [photo(f"images/daquar/{n}.jpg", vqa=pairs) for n in range(2)]
    first = draw_questions(photos, 5)
    assert len(first) == 5
    assert draw_questions(photos, 5) == first == sorted(first, key=lambda each: each.image)


@pytest.mark.parametrize(
    ("given", "right"), [("Living Room.", True), ("living-room", True), ("room", False)]
)
def test_answers_are_compared_by_their_words(given: str, right: bool) -> None:
    assert question("scene", "living room", "lounge").is_right(given) is right


def test_lists_are_right_in_any_order_and_only_whole() -> None:
    asked = question("vqa", "pillow, night stand")
    assert asked.is_right("night stand, pillow")
    assert not asked.is_right("pillow")


def test_words_are_lower_case_without_punctuation() -> None:
    assert words("A man's T-shirt, wet !") == "a man 's t shirt wet"


def test_the_interval_holds_the_share() -> None:
    score = bootstrap(mean([1] * 30 + [0] * 70), [str(n) for n in range(100)])
    assert score.low < score.value == 0.3 < score.high
    assert score.high - score.low == pytest.approx(4 * math.sqrt(0.3 * 0.7 / 100), abs=0.03)


def test_what_stands_on_one_photo_is_drawn_together() -> None:
    right = [1] * 30 + [0] * 70
    alone = bootstrap(mean(right), [str(n) for n in range(100)])
    together = bootstrap(mean(right), [str(n // 10) for n in range(100)])
    assert together.high - together.low > 2 * (alone.high - alone.low)
    assert bootstrap(mean(right), ["one"] * 100) == Score(0.3, 0.3, 0.3)


def test_yes_and_no_weigh_the_same() -> None:
    right, truths = [True, True, True, False], ["yes", "yes", "yes", "no"]
    assert value(balanced(right, truths), 4) == 0.5
    assert math.isnan(balanced(right, truths)(np.array([1.0, 0, 0, 0])))
    score = bootstrap(balanced(right, truths), list("abcd"))  # draws without a no are left out
    assert score == Score(0.5, 0.5, 0.5)


def test_calibration_error_is_the_mean_gap_of_the_bins() -> None:
    # Bins of 1/15: two answers at 0.9 of which one is right, and one right answer at 0.3.
    error = calibration_error([0.9, 0.9, 0.3], [True, False, True])
    assert value(error, 3) == pytest.approx((2 * abs(0.5 - 0.9) + abs(1 - 0.3)) / 3)
    assert value(calibration_error([1.0, 0.0], [True, False]), 2) == 0


def test_a_ratio_is_of_means_not_a_mean_of_ratios() -> None:
    assert value(ratio([1, 3], [2, 2]), 2) == 1
    assert value(ratio([1, 8], [1, 2]), 2) == 3
    assert ratio([1, 8], [1, 2])(np.array([0.0, 2])) == 4
    assert math.isnan(value(ratio([1.0], [0.0]), 1))


def test_weights_are_repetitions() -> None:
    probability, right = [0.9, 0.95, 0.3, 0.5], [True, False, True, False]
    twice = [0, 0, 1, 2, 2, 3]
    weights = np.bincount(twice).astype(np.float64)
    for measure in (
        calibration_error,
        lambda p, r: accuracy_of_answered(p, r, 0.2),
        lambda p, r: mean(r),
    ):
        repeated = measure([probability[n] for n in twice], [right[n] for n in twice])
        assert measure(probability, right)(weights) == pytest.approx(value(repeated, 6))


def test_the_least_certain_are_left_out_first() -> None:
    probability, right = [0.9, 0.1, 0.5, 0.7], [True, False, False, True]
    shares = [value(accuracy_of_answered(probability, right, q), 4) for q in (0.0, 0.25, 0.5)]
    assert shares == pytest.approx([2 / 4, 2 / 3, 1])


NEAR = {("car", "bus"): 0.95, ("car", "tree"): 0.5}


def similarity(one: str, other: str) -> float:
    return 1.0 if one == other else NEAR.get((one, other), NEAR.get((other, one), 0.0))


@pytest.mark.parametrize(
    ("given", "true", "score"),
    [
        ({"car"}, {"car"}, 1),
        ({"bus"}, {"car"}, 0.95),
        ({"tree"}, {"car"}, 0.05),  # below the threshold: a tenth
        ({"car", "tree"}, {"car"}, 0.05),  # min(1 * 0.05, 1)
        ({"car"}, {"bus", "tree"}, 0.95 * 0.05),  # min(0.95, 0.95 * 0.05)
        ({"lamp"}, {"car"}, 0),
    ],
)
def test_wups_of_sets(given: set[str], true: set[str], score: float) -> None:
    found = wups(frozenset(given), frozenset(true), thresholded(similarity))
    assert found == pytest.approx(score)


NOUNS = (("dog", "grass"), ("man", "beach"), ("boy", "street"))
TRUTHS = {
    f"{n}.jpg": [f"A {noun} runs over the {place} today.", f"The {noun} is out on the {place}."]
    for n, (noun, place) in enumerate(NOUNS)
}


def measured(candidates: dict[str, str]) -> dict[str, float]:
    measures = caption_measures(TRUTHS, candidates)
    return {name: value(statistic, 3) for name, statistic in measures.items()}


def test_a_perfect_caption_scores_best() -> None:
    perfect = measured({image: texts[0] for image, texts in TRUTHS.items()})
    wrong = measured(dict.fromkeys(TRUTHS, "a cat sleeps"))
    assert perfect["BLEU-4"] == pytest.approx(1)
    assert perfect["ROUGE-L"] == pytest.approx(1)
    assert perfect["CIDEr-D"] > 5 > 0.1 > wrong["CIDEr-D"]
    assert wrong["BLEU-4"] < 1e-3


def test_cider_of_the_only_reference_is_ten() -> None:
    truths = {image: texts[:1] for image, texts in TRUTHS.items()}
    measures = caption_measures(truths, {image: texts[0] for image, texts in truths.items()})
    assert value(measures["CIDEr-D"], 3) == pytest.approx(10)


def test_rouge_l_by_hand() -> None:
    # Longest common subsequence "dog runs": precision 2/3, recall 2/4, beta 1.2.
    measures = caption_measures({"a": ["the dog quickly runs"]}, {"a": "dog then runs"})
    precision, recall = 2 / 3, 2 / 4
    expected = (1 + 1.44) * precision * recall / (recall + 1.44 * precision)
    assert value(measures["ROUGE-L"], 1) == pytest.approx(expected)


def test_bleu_is_the_corpus_bleu_of_the_photos_drawn() -> None:
    given = {image: texts[0][:-7] + " again and again" for image, texts in TRUTHS.items()}
    given["1.jpg"] = "the man is out"
    statistic = caption_measures(TRUTHS, given)["BLEU-4"]
    for drawn in ([0, 1, 2], [1, 1, 2], [0, 0, 0]):
        images = [f"{n}.jpg" for n in drawn]
        references = {n: [words(text) for text in TRUTHS[image]] for n, image in enumerate(images)}
        candidates = {n: [words(given[image])] for n, image in enumerate(images)}
        (_, _, _, expected), _ = Bleu(4).compute_score(references, candidates, verbose=0)
        weights = np.bincount(drawn, minlength=3).astype(np.float64)
        assert statistic(weights) == pytest.approx(expected)


TRAINING = [
    photo("images/daquar/1", vqa=[("how many chairs are there", "4"), ("how many lamps", "1")]),
    photo("images/daquar/2", vqa=[("how many chairs stand", "4"), ("what is red", "sofa")]),
    photo("images/daquar/3", vqa=[("how much", "2"), ("how many lamps", "2")]),
    photo("images/daquar/4", vqa=[("how many lamps burn", "2")]),
    photo("images/coco/5", vqa=[("how many chairs are there", "9")] * 5),
]


@pytest.mark.parametrize(
    ("stem", "answer"),
    [
        ("how many chairs have arms", "4"),  # the same three words
        ("how many lamps hang", "2"),
        ("how many beds", "4"),  # two words: 4, 1, 4, 2, 2; the first of the most frequent
        ("what is blue", "sofa"),
        ("who sleeps", "2"),  # the kind alone
    ],
)
def test_the_most_frequent_answer_backs_off(stem: str, answer: str) -> None:
    asked = question("vqa", stem=stem, image="images/daquar/9")
    assert MostFrequent(TRAINING).answer(asked) == answer


def test_an_unknown_kind_has_no_frequent_answer() -> None:
    assert MostFrequent(TRAINING).answer(question("scene")) == ""


GRID = PatchGrid(2, 4, Box(0, -50, 200, 150), 200, 100)
"""Cells of 50 x 100 photo pixels; their centres lie at y = 0 and, beyond the photo, 100."""


def test_cells_lie_where_their_centres_do() -> None:
    mask = np.zeros((10, 20), bool)
    mask[0, 5:10] = True  # a quarter of the photo's upper edge
    assert cells_on(mask, GRID).tolist() == [[False, True, False, False], [False] * 4]
    assert cells_on(np.ones((10, 20), bool), GRID).tolist() == [[True] * 4, [False] * 4]


def test_hits_of_the_heatmap_a_random_cell_and_the_centre() -> None:
    weights = np.zeros((1, 2, 8), np.float16)
    weights[0, 0, 1] = weights[0, 1, 6] = 1
    mask = np.zeros((10, 20), bool)
    mask[0:6, 5:12] = True  # the second cell, and the middle
    for head, hit in ((0, 1.0), (1, 0.0)):
        found = hits([AttentionMap(weights, GRID)], [(0, head)], mask)
        assert found == {HEATMAP: hit, RANDOM: 1 / 8, CENTRE: 1.0}


def as_words(texts: Sequence[str]) -> list[Word]:
    starts = itertools.accumulate((1 for _ in texts), initial=0)
    return [Word(text, start, start + 1, 1.0) for text, start in zip(texts, starts, strict=False)]


def test_items_of_a_list_know_their_steps() -> None:
    written = as_words(["wall,", " floor", " lamp,", " bed."])
    assert list(list_items(written)) == [
        ("wall", (0, 1)),
        ("floor lamp", (1, 3)),
        ("bed", (3, 4)),
    ]
    assert list(list_items(as_words(["wall,"]))) == [("wall", (0, 1))]
    assert list(list_items([])) == []


def test_the_table_shows_shares_in_per_cent_and_metrics_as_they_are() -> None:
    score = Score(0.25, 0.125, 0.5)
    rows = [
        Row("colour", "exact", 8, score, {GREY: score}),
        Row("captions", "BLEU-4", 8, score, {}, percent=False),
        Row("human", "WUPS", 8, "needs wordnet-base", {}),
    ]
    lines = as_markdown(rows, ["A note."]).splitlines()
    assert (
        lines[2] == "| colour | exact | 8 | **25.0 (12.5-50.0)** | grey picture 25.0 (12.5-50.0) |"
    )
    assert lines[3] == "| captions | BLEU-4 | 8 | **0.250 (0.125-0.500)** | - |"
    assert lines[4] == "| human | WUPS | 8 | needs wordnet-base | - |"
    assert lines[-1] == "A note."
    data = as_json(rows, ["A note."], {"model": "tiny"})
    assert data["rows"][0]["blind"][GREY] == {"value": 0.25, "low": 0.125, "high": 0.5}


@pytest.mark.parametrize(
    ("text", "there", "invented"),
    [
        ("Two dogs run on the grass.", {"grass"}, True),
        ("Two dogs run on the grass.", {"grass", "animal"}, False),
        ("A man walks his dog.", {"animal"}, True),
        ("A group of people.", {"person"}, False),
        ("A kitchen with a window.", {"windowpane"}, False),
        ("A manor.", {"house"}, False),
    ],
)
def test_people_and_animals_that_are_made_up(text: str, there: set[str], invented: bool) -> None:
    assert is_invented(words(text).split(), there) == invented


def test_new_words_are_asked_for_some_of_each_kind_and_change_no_answer() -> None:
    asked = [
        question("colour", "red", stem="what color is the dog", image=f"images/flickr8k/{n}.jpg")
        for n in range(NEW_WORDED + 5)
    ]
    human = question("vqa", "pillow", stem="what is on the bed")
    new = in_new_words([*asked, human])
    assert list(new) == asked[:NEW_WORDED]
    for known, other in new.items():
        assert other.asked != known.asked
        assert (other.image, other.stem, other.answers) == (known.image, known.stem, ("red",))
