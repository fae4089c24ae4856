"""An event's profile: what it may say, and the sentence for each mistake."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from mmgpt_desktop.decoding import KeyPath
from mmgpt_desktop.errors import ProfileError
from mmgpt_desktop.event.pin import hash_pin
from mmgpt_desktop.event.profile import (
    CHORD,
    QUESTIONS,
    EventLock,
    EventSample,
    Numbers,
    Profile,
    ShowTimes,
    Souvenir,
    VisitorLimits,
    read_profile,
)
from mmgpt_desktop.event.toml_file import line_of
from mmgpt_desktop.resources import read_samples
from tests.tiny_bundle import make_tiny_bundle

PIN = hash_pin("2468")


@pytest.fixture
def stand(tmp_path: Path) -> Path:
    """A folder with all that the profiles here name."""
    for name in ("logo.png", "dog.jpg", "two words.jpg"):
        Image.new("RGB", (4, 4)).save(tmp_path / name)
    for name in ("cards", "visitors"):
        (tmp_path / name).mkdir()
    make_tiny_bundle(tmp_path / "model")
    return tmp_path


def read(folder: Path, text: str) -> Profile:
    path = folder / "stand.toml"
    path.write_text(text, encoding="utf-8")
    return read_profile(path)


def mistake(folder: Path, text: str) -> str:
    with pytest.raises(ProfileError) as caught:
        read(folder, text)
    return str(caught.value)


def test_an_empty_file_is_a_profile(tmp_path: Path) -> None:
    profile = read(tmp_path, "")
    assert (profile.title, profile.language) == ("MMGPT Desktop", None)
    assert profile.path == tmp_path / "stand.toml"
    assert [sample.photo for sample in profile.samples] == [each.path for each in read_samples()]
    assert {sample.questions for sample in profile.samples} == {QUESTIONS}
    assert profile.show == ShowTimes(idle_s=60, reset_s=45, countdown_s=15, speed=1)
    assert profile.lock == EventLock(pin=None, chord=CHORD, drop=True, camera=True, files=None)
    assert profile.limits == VisitorLimits(question_chars=200, answer_tokens=60, photos=5)
    assert profile.souvenir == Souvenir(None, False, False, 0, 10, None, "png")
    assert profile.numbers == Numbers(None, texts=False, pictures=None)
    assert (profile.brand.logo, profile.brand.colour, profile.brand.link) == (None,) * 3


def test_every_key_is_read(stand: Path) -> None:
    profile = read(
        stand,
        f"""
        title = "Open day"
        language = "zh_CN"
        questions = ["What is it?"]
        [brand]
        logo = "logo.png"
        colour = "#1F6FEB"
        link = "https://example.org/a?b=c"
        [[samples]]
        photo = "dog.jpg"
        questions = ["Is it a dog?", "Where is it?"]
        [[samples]]
        photo = "two words.jpg"
        [model]
        folder = "model"
        fusion = "graph"
        [show]
        idle_s = 30.5
        reset_s = 20
        countdown_s = 5
        speed = 0.5
        [lock]
        pin = "{PIN}"
        chord = "shift+CTRL+f10"
        drop = false
        camera = false
        files = "visitors"
        [limits]
        question_chars = 99
        answer_tokens = 9
        photos = 2
        [souvenir]
        folder = "cards"
        printer = true
        page = true
        port = 8123
        format = "pdf"
        minutes = 3
        address = "192.168.7.1"
        [numbers]
        file = "numbers.csv"
        texts = true
        pictures = "{stand / "visitors"}"
        """,
    )
    assert profile.samples == (
        EventSample(stand / "dog.jpg", ("Is it a dog?", "Where is it?")),
        EventSample(stand / "two words.jpg", ("What is it?",)),
    )
    assert profile.brand.logo == stand / "logo.png"
    assert profile.brand.colour == "#1f6feb"
    assert (profile.model.folder, profile.model.fusion) == (stand / "model", "graph")
    assert profile.show == ShowTimes(idle_s=30.5, reset_s=20, countdown_s=5, speed=0.5)
    assert profile.lock == EventLock(PIN, "Ctrl+Shift+F10", False, False, stand / "visitors")
    assert profile.limits == VisitorLimits(question_chars=99, answer_tokens=9, photos=2)
    assert profile.souvenir == Souvenir(stand / "cards", True, True, 8123, 3, "192.168.7.1", "pdf")
    assert profile.numbers == Numbers(stand / "numbers.csv", True, stand / "visitors")


def test_a_profile_is_found_from_any_folder(stand: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (stand / "stand.toml").write_text('[brand]\nlogo = "logo.png"\n', encoding="utf-8-sig")
    monkeypatch.chdir(stand / "model")
    profile = read_profile(Path("../stand.toml"))
    assert profile.path.is_absolute()
    assert profile.brand.logo is not None
    assert profile.brand.logo.is_file()


def test_another_model_may_be_named_instead_of_the_profiles(stand: Path) -> None:
    path = stand / "stand.toml"
    path.write_text("[model]\nfolder = 'cards'\nfusion = 'concat'", encoding="utf-8")
    assert read_profile(path, stand / "model").model.folder == stand / "model"


def test_with_a_pin_there_is_no_chord_unless_named(stand: Path) -> None:
    assert read(stand, f'[lock]\npin = "{PIN}"').lock.chord is None
    assert read(stand, '[lock]\nchord = "Ctrl+Alt+Q"').lock.pin is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[show]\nidle_s = 1", "line 2: show.idle_s must be from 5 to 3600."),
        ("[show]\nreset_s = true", "line 2: show.reset_s must be a number."),
        ("[show]\nidle_s = nan", "line 2: show.idle_s must be a number."),
        ("[show]\nspeed = 9", "line 2: show.speed must be from 0.25 to 4."),
        ("\nshow.countdown_s = 'x'", "line 2: show.countdown_s must be a number."),
        ("show = 3", "line 1: show must be a table"),
        ("title = 3", "line 1: title must be text in quotes."),
        ("title = ' '", "line 1: title must be one line of text in quotes."),
        ('title = "a\\nb"', "line 1: title must be one line"),
        (f"title = '{'x' * 201}'", "line 1: title must have at most 200 characters."),
        ("language = 'de'", "line 1: language must be one of these: en, zh_CN."),
        ("language = ['en']", "line 1: language must be one of these"),
        ("questions = 'one'", "line 1: questions must be a list in square brackets"),
        ("questions = [\n 'a',\n 3]", "line 3: questions[1] must be text in quotes."),
        ("questions = [" + "'a'," * 101 + "]", "line 1: questions has too many entries; 100 is"),
        ("samples = ['dog.jpg']", "line 1: samples[0] must be a table"),
        ("[[samples]]\n[[samples]]\nphoto='dog.jpg'", "line 1: samples[0].photo is missing."),
        ("[[samples]]\nphoto = 'cat.jpg'", "line 2: there is no file"),
        (
            "[[samples]]\nphoto = 'dog.txt'",
            "line 2: samples[0].photo must name a file that ends in .jpg",
        ),
        (
            "[[samples]]\nphoto = 'dog.jpg'\nquestion = 'a'",
            "line 3: nothing is called samples[0].question here.",
        ),
        ("[brand]\nlogo = 'logo.svg'", "line 2: brand.logo must name a file that ends in .png"),
        ("[brand]\ncolour = 'red'", "line 2: brand.colour must be a colour such as #1f6feb."),
        ("[brand]\nlink = 'javascript:x'", "line 2: brand.link must be an address"),
        ("[brand]\nlogo = 'model'", "line 2: brand.logo must name a file"),
        ("[model]\nfolder = 'logo.png'", "line 2: there is no folder"),
        (
            "[model]\n\nfolder = 'cards'",
            "line 3: model.folder holds no model that can be opened: The",
        ),
        ("[model]\nfusion = 'grpah'", "line 2: the model has no fusion called grpah. Choose one"),
        ("[model]\nfolder = 'model'\nfusion = 'x'", "line 3: the model has no fusion called x."),
        (f"[model]\nfolder = '{'x/' * 90}'", "line 2: there is no folder"),
        (f"[souvenir]\nfolder = '{'x' * 190}/{'y'}'", "line 2: there is no folder"),
        (
            "[lock]\nchord = 'Ctrl+Q'",
            "line 2: lock.chord must be keys such as Ctrl+Alt+Q. Take two",
        ),
        ("[lock]\nchord = 'Ctrl+Ctrl+Q'", "line 2: lock.chord must be keys"),
        ("[lock]\nchord = 'Ctrl+Alt+Delete+Q'", "line 2: lock.chord must be keys"),
        ("[lock]\nchord = 'Ctrl+Alt'", "line 2: lock.chord must be keys"),
        ("[lock]\nchord = 'Ctrl+Shift+1'", "line 2: lock.chord must be keys"),
        ("[lock]\ndrop = 1", "line 2: lock.drop must be true or false."),
        ("[limits]\nphotos = 1.0", "line 2: limits.photos must be a whole number."),
        ("[limits]\nphotos = true", "line 2: limits.photos must be a whole number."),
        ("[drawing]\noffered = true\nprompts = []", "line 2: drawing.offered needs prompts"),
        ("[limits]\nphotos = 51", "line 2: limits.photos must be from 1 to 50."),
        (
            'questions = ["What is it?", "What is this?"]\n[limits]\nquestion_chars = 12',
            "line 1: this question is longer than question_chars, 12.",
        ),
        ("[souvenir]\nformat = 'gif'", "line 2: souvenir.format must be one of these: png, pdf."),
        ("[souvenir]\nport = 80", "line 2: souvenir.port must be 0 or from 1024 to 65535."),
        (
            "[souvenir]\naddress = '8.8.8.8'",
            "line 2: souvenir.address must be one of a local network",
        ),
        (
            "[souvenir]\naddress = '0.0.0.0'",
            "line 2: souvenir.address must be one of a local network",
        ),
        (
            "[souvenir]\naddress = 'example.org'",
            "line 2: souvenir.address must be one of a local network",
        ),
        ("[numbers]\ntexts = true", "line 2: numbers.texts needs a file beside it"),
        ("[numbers]\nfile = 'gone/a.csv'", "line 2: there is no folder"),
        ("[numbers]\nfile = 'model'", "line 2: numbers.file must be a file"),
        ("[souvenirs]", "line 1: nothing is called souvenirs here. Known here: souvenir."),
        ("# a\n\nfoo = 1", "line 3: nothing is called foo here. Known here: title, language,"),
        ("title = 'a'\ntitle = 'b'", "line 2: this is not TOML (Cannot overwrite a value)."),
        ("title = 'a\n", "line 1: this is not TOML"),
        ("title = [1,", "line 1: this is not TOML"),
        ("title", "line 1: this is not TOML"),
    ],
)
def test_each_mistake_names_its_line_and_key(stand: Path, text: str, said: str) -> None:
    sentence = mistake(stand, text)
    assert sentence.startswith("stand.toml, line ")
    assert said in sentence


def test_a_pin_in_plain_digits_is_refused_and_not_repeated(stand: Path) -> None:
    sentence = mistake(stand, "[lock]\npin = '2468'")
    assert "line 2: lock.pin must be a whole line that begins with $scrypt$." in sentence
    assert "event-pin" in sentence
    assert "2468" not in sentence


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"\xff\xfe", "not UTF-8"),
        (b"#" * 1_000_001, "too large"),
        (b"\n" * 2001, "too large"),
        (b"title = " + b"[" * 100_000, "too deep"),
        (b"a." * 90_000 + b"a = 1", "too many parts"),
        (b"a . " * 40_000 + b"a = 1", "too many parts"),
        (b'"a".' * 40_000 + b"a = 1", "too many parts"),
        (b"[" + b"a." * 90_000 + b"a]", "too many parts"),
        (b"[[" + b"a." * 90_000 + b"a]]", "too many parts"),
        (b"b = {" + b"a." * 90_000 + b"a = 1}", "too many parts"),
        (b"limits.photos = " + b"9" * 5000, "can't be read"),
        (b'title = """' + b'\\"""' * 40_000, "not TOML"),
        (b'title = "' + b'\\"' * 90_000, "not TOML"),
    ],
)
def test_what_is_no_profile_is_one_sentence(tmp_path: Path, data: bytes, said: str) -> None:
    path = tmp_path / "stand.toml"
    path.write_bytes(data)
    with pytest.raises(ProfileError, match=said):
        read_profile(path)


def test_a_missing_profile_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match=r"There is no file gone\.toml"):
        read_profile(tmp_path / "gone.toml")
    with pytest.raises(ProfileError, match="not an ordinary file"):
        read_profile(tmp_path)
    with pytest.raises(ProfileError, match="can't be read"):
        read_profile(Path("a\0b"))


def test_profiles_can_be_changed_but_not_in_place(tmp_path: Path) -> None:
    profile = read(tmp_path, "")
    with pytest.raises(AttributeError):
        profile.title = "no"  # type: ignore[misc]
    assert replace(profile, title="yes").title == "yes"


def test_the_documented_example_is_whole_and_right(stand: Path) -> None:
    page = Path(__file__).resolve().parents[2] / "resources" / "docs" / "EVENT.md"
    example = page.read_text(encoding="utf-8").partition("```toml\n")[2].partition("```")[0]
    (stand / "photos").mkdir()
    (stand / "dog.jpg").rename(stand / "photos" / "dog.jpg")
    for name in ("pictures", "kept"):
        (stand / name).mkdir()
    example = example.replace("$scrypt$ln=14,r=8,p=1$...", PIN)
    profile, plain = read(stand, example), read(stand, "")
    assert (profile.show, profile.limits) == (plain.show, plain.limits)
    assert replace(profile.souvenir, folder=None, address=None) == plain.souvenir
    written = tomllib.loads(example)
    for name in ("brand", "model", "show", "lock", "limits", "souvenir", "numbers", "drawing"):
        assert set(written[name]) == keys(getattr(profile, name))
    assert set(written["samples"][0]) == keys(profile.samples[0])
    assert set(written) == keys(profile) - {"path"}


def keys(part: Any) -> set[str]:
    return {field.name for field in fields(part)}


# Each number is the line on which it stands.
DOCUMENT = '''# a [comment] = "with" marks
first = 2
"quoted.key" = 3   # not [four]
'literal' = 4
a.b.c = 5
a."b".d = 6
text = """
[no.table]
no = 0
six "" quotes\\""""""
after = 11
raw = \'\'\'
x = ]'\'\'\'\'
empty = ""
none = """"""
after_empty = 16
list = [ 17,
  18, # [
  [19, "]", 19],
  { x = 20, y.z = [20] },
  21 ]
inline = { one = 22, "two = }" = { three = 22 } }
date = 1979-05-27 07:32:00Z
float = 24.0
point = [25.0, 25e0]
[table]
x = 27
[table.inner."deep]er"]
x = 29
[[many]]
x = 31
[[many]]
x = 33
[many.sub]
x = 35
[[many.sub.more]]
x = 37
[[many.sub.more]]
x = 39
 [ spaced . out ]
\tx\t=\t41
[[many]]
x = 43
[[many.sub.more]]
x = 45
'''


def leaves(value: Any, path: KeyPath = ()) -> Iterator[tuple[KeyPath, Any]]:
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, each in items:
            yield from leaves(each, (*path, key))
    else:
        yield path, value


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_the_line_of_every_key_is_found(ends: str) -> None:
    text = DOCUMENT.replace("\n", ends)
    found = list(leaves(tomllib.loads(text)))
    lines = {path: line_of(text, path) for path, _ in found}
    numbers = {path: int(value) for path, value in found if isinstance(value, int | float)}
    assert len(numbers) == 29
    assert {path: lines[path] for path in numbers} == numbers
    others = {path: lines[path] for path, value in found if not isinstance(value, int | float)}
    assert others == {
        ("text",): 7,
        ("raw",): 12,
        ("empty",): 14,
        ("none",): 15,
        ("list", 2, 1): 19,
        ("date",): 23,
    }


def test_tables_have_lines_too() -> None:
    assert line_of(DOCUMENT, ("table",)) == 26
    assert line_of(DOCUMENT, ("table", "inner", "deep]er")) == 28
    assert [line_of(DOCUMENT, ("many", number)) for number in range(3)] == [30, 32, 42]
    assert line_of(DOCUMENT, ("many", 1, "sub", "more", 1)) == 38


def test_what_is_missing_has_the_line_of_what_lacks_it() -> None:
    assert line_of(DOCUMENT, ("many", 1, "y")) == 32
    assert line_of(DOCUMENT, ("gone",)) == line_of("", ("gone",)) == 1
    assert line_of(DOCUMENT, ("a", "b")) == 5
    assert line_of(DOCUMENT, ("list", 3)) == 20
