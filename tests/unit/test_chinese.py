"""Made questions in Chinese."""

from __future__ import annotations

import random
import re

import pytest

from mmgpt_desktop.training.chinese import chinese_pair, in_chinese
from mmgpt_desktop.training.chinese_names import names
from mmgpt_desktop.training.evaluation.chinese_rows import in_chinese_words
from mmgpt_desktop.training.evaluation.tasks import PhotoQuestion, words
from mmgpt_desktop.training.imagenet_names import class_names
from mmgpt_desktop.training.labels import CALLED
from mmgpt_desktop.training.photo_texts import PhotoTexts, ask
from mmgpt_desktop.training.questions import WORDS, mirrored
from mmgpt_desktop.training.wordings import CHINESE, usual, wordings

SAID = [
    ("yesno", "is there an umbrella", "yes", "有没有雨伞", "有"),
    ("yesno", "is there any water", "no", "有没有水", "没有"),
    ("yesno", "are these shorts", "no", "这是短裤吗", "不是"),
    ("yesno", "is the shirt red", "yes", "衬衫是红色的吗", "是"),
    ("colour", "what color is the dog", "black and white", "狗是什么颜色", "黑色和白色"),
    ("count", "how many knives are there", "2", "有多少刀", "2"),
    ("count", "how many people are there", "many", "有多少人", "很多"),
    ("action", "what is the man doing", "running home", "男人在做什么", "跑"),
    ("action", "what is the man wearing", "a blue shirt", "男人穿着什么", "蓝色衬衫"),
    ("held", "what is the man holding", "guitar", "男人拿着什么", "吉他"),
    ("held", "what is the dog jumping over", "fence", "狗跳过什么", "围栏"),
    ("does", "is the boy sitting on a bench", "yes", "男孩坐在长椅上吗", "是"),
    ("does", "is the dog running through the water", "no", "狗在水里跑吗", "不是"),
    ("place", "where is the dog", "on the beach", "狗在什么地方", "在海滩上"),
    ("place", "where is the dog", "in the green grass", "狗在什么地方", "在草地上"),
    ("place", "where is the boy", "in a pool", "男孩在什么地方", "在水池里"),
    ("where", "where in the picture is the cup", "at the top", "杯子在图片的什么位置", "上方"),
    ("animal", "what animal is this", "horse", "这是什么动物", "马"),
    ("who", "who is in the picture", "two men", "图里有谁", "两个男人"),
    ("who", "who is in the picture", "a dog", "图里有谁", "一只狗"),
    ("who", "who is in the picture", "nobody", "图里有谁", "没有人"),
    ("either", "is it a dog or water", "dog", "是狗还是水", "狗"),
    ("either", "is it a dog or a cat", "dog", "是狗还是猫", "狗"),
    ("either", "is the dog black or tan", "tan", "狗是黑色还是棕黄色", "棕黄色"),
    ("inside", "is this indoors", "no", "这是室内吗", "不是"),
    ("inside", "is this indoors or outdoors", "outdoors", "这是室内还是室外", "室外"),
    ("side", "what is on the left side of the picture", "tree", "图片左边有什么", "树"),
    ("relation", "is the cat right or left of the bed", "left", "猫在床的右边还是左边", "左边"),
    ("bigger", "which is larger, the car or the cat", "car", "汽车和猫哪个更大", "汽车"),
    ("share", "how much of the picture is sky", "about half", "天空占图片的多少", "大约一半"),
    ("objects", "list the objects", "bed, wall", "", "床、墙"),
    ("scene", "", "living room", "", "客厅"),
    ("name", "", "a tench", "", "丁鱥"),
    ("flower", "", "rose", "", "玫瑰"),
    ("thing", "", "a hedgehog", "", "刺猬"),
    ("label", "", "Yellow Onion", "", "黄洋葱"),
    ("view", "", "A bedroom with a bed and a lamp.", "", "有床和灯的卧室。"),
    ("view", "", "A close-up of a flower, a rose.", "", "一朵玫瑰的特写。"),
]


@pytest.mark.parametrize(("kind", "question", "answer", "asked", "told"), SAID)
def test_a_made_question_is_the_same_in_chinese(
    kind: str, question: str, answer: str, asked: str, told: str
) -> None:
    found = chinese_pair(kind, question, answer, "coco")
    assert found == (asked, told)


def test_what_people_wrote_or_no_table_names_is_left_out() -> None:
    assert chinese_pair("vqa", "what is this", "a dog", "coco") is None
    assert chinese_pair("scene", "", "anechoic chamber", "ade20k") is None
    assert chinese_pair("yesno", "is there a wug", "no", "coco") is None


def test_a_label_has_the_name_of_its_collection() -> None:
    assert chinese_pair("yesno", "is this a barrel", "yes", "caltech101") == ("这是木桶吗", "是")
    assert chinese_pair("yesno", "is this a barrel", "yes", "ade20k") == ("这是桶吗", "是")


def test_all_names_are_chinese_and_each_has_one() -> None:
    assert len(class_names(CHINESE)) == len(class_names()) == 1000
    for section in names().values():
        for name in section.values():
            assert re.search(r"[\u4e00-\u9fff]", name), name
            assert name == name.strip()
    called = {*WORDS.things, *CALLED, *WORDS.actors, *WORDS.animals, *WORDS.hints, *WORDS.coloured}
    assert called <= names()["things"].keys()
    assert set(WORDS.colours) <= names()["colours"].keys()


def test_a_photo_is_asked_about_in_one_language() -> None:
    photo = PhotoTexts("images/flickr8k/a.jpg")
    photo.pairs["caption"].append(("", "A dog runs."))
    photo.pairs["caption-zh"].append(("", "狗在跑。"))
    photo.pairs["yesno"].append(("is there a dog", "yes"))
    photo.masks["dog"] = photo.masks["wug"] = None  # type: ignore[assignment]
    (chinese,) = in_chinese([photo])
    assert set(chinese.masks) == {"狗"}
    drawn = [chinese.draw({"caption": 1, "yesno": 1}, random.Random(n)) for n in range(60)]
    assert {answer for _, answer in drawn} == {"狗在跑。", "有"}
    assert not any(re.search("[a-zA-Z]", question) for question, _ in drawn)
    assert len({question for question, _ in drawn}) > 20
    assert in_chinese([PhotoTexts("images/coco/b.jpg", {"vqa": [("what is it", "a dog")]})]) == []


def test_sides_change_in_a_mirrored_picture() -> None:
    assert mirrored("猫在左边，狗在右上方") == "猫在右边，狗在左上方"  # noqa: RUF001


def every(part: str, kind: str, question: str) -> set[str]:
    found = wordings(part, CHINESE)
    return {
        re.sub(r"[?。\uff1f]", "", found.worded(kind, question, random.Random(n)))
        for n in range(400)
    } - {""}


@pytest.mark.parametrize(("kind", "question"), sorted({(s[0], s[3]) for s in SAID if s[3]}))
def test_each_made_question_has_trained_words_and_unseen_ones_are_others(
    kind: str, question: str
) -> None:
    trained, unseen = every("training", kind, question), every("unseen", kind, question)
    assert len(trained) > 2
    assert not (trained | {question}) & unseen
    for asked in trained | unseen:
        assert not re.search(r"[\[\]{}|a-zA-Z]", asked), asked


@pytest.mark.parametrize("kind", ["describe", "scene", "flower", "thing", "garment", "label"])
def test_questions_for_names_have_trained_words_and_unseen_ones_are_others(kind: str) -> None:
    trained, unseen = every("training", kind, ""), every("unseen", kind, "")
    known = trained | {re.sub(r"[?。\uff1f]", "", way) for way in usual(kind, CHINESE)}
    assert unseen
    assert len(trained) > 5
    assert not known & unseen


def test_a_question_has_one_mark_at_most() -> None:
    for seed in range(200):
        asked = ask("scene", "", random.Random(seed), wordings("training", CHINESE), CHINESE)
        assert not re.search("[\uff1f。]{2}", asked)


def question(kind: str, stem: str, *answers: str, image: str = "images/coco/a") -> PhotoQuestion:
    return PhotoQuestion(image, kind, stem, stem, answers)


def test_an_evaluated_question_is_asked_in_chinese_and_right_in_chinese() -> None:
    colour = question("colour", "what color is the dog", "black", "white")
    human = question("vqa", "what is it", "a dog")
    found = in_chinese_words([colour, human])
    assert list(found) == [colour]
    assert found[colour].is_right("白色。")
    assert not found[colour].is_right("white")
    doing = in_chinese_words([question("action", "what is the man doing", "sitting down")])
    (asked,) = doing.values()
    assert asked.is_right("坐着")
    assert not asked.is_right("坐车")


def test_chinese_characters_are_words() -> None:
    assert words("两只狗，T恤") == "两 只 狗 t 恤"  # noqa: RUF001
