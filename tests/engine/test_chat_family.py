from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from mmgpt_desktop.engine.chat.chat_template import ChatTemplate
from mmgpt_desktop.engine.chat.detokenizer import Spelling, TextStream
from mmgpt_desktop.engine.chat.family import Family
from mmgpt_desktop.engine.families.registry import family_of
from mmgpt_desktop.engine.folder import tokenizing
from mmgpt_desktop.engine.folder.checkpoint import read_checkpoint
from mmgpt_desktop.errors import BundleError, PromptError
from mmgpt_desktop.messages import PICTURE, Message
from tests.families.checkpoints import noise_photo, smolvlm_settings


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return smolvlm_settings(tmp_path_factory.mktemp("settings") / "tiny")


@pytest.fixture(scope="module")
def family(folder: Path) -> Family:
    return family_of(read_checkpoint(folder))


def text_of(family: Family, token_ids: tuple[int, ...]) -> str:
    tokenizer = family.checkpoint.tokenizer()
    return str(tokenizer.decode(list(token_ids), skip_special_tokens=False))


def asked(*texts: str) -> list[Message]:
    roles = ("user", "assistant")
    return [Message(roles[place % 2], text) for place, text in enumerate(texts)]  # type: ignore[arg-type]


def test_the_first_turns_go_first_and_their_photo_stays(family: Family) -> None:
    images = [family.preprocess(noise_photo(64, 64))]
    turns = asked("one " * 60, "two " * 60, "three", "four", "last?")
    whole = family.build_prompt(turns, images, 100)
    assert whole.dropped_turns == 0
    assert len(whole.token_ids) > 512
    prompt = family.build_prompt(turns, images, 512)
    assert prompt.dropped_turns == 1
    text = text_of(family, prompt.token_ids)
    assert "one" not in text
    assert text.startswith("<|im_start|>User:<fake_token_around_image><global-img><image>")
    assert "three<end_of_utterance>" in text
    assert len(prompt.image_positions) == 16
    assert {prompt.token_ids[place] for place in prompt.image_positions} == {family.image_token_id}


def test_photos_stand_where_the_text_says_and_the_others_first(family: Family) -> None:
    images = [family.preprocess(noise_photo(64, 64, seed)) for seed in range(2)]
    text = text_of(family, family.build_prompt(asked(f"A {PICTURE} B"), images, 10).token_ids)
    before, middle, after = text.split("<fake_token_around_image><global-img>")
    assert before.endswith("User:")
    assert middle.endswith("A ")
    assert after.endswith(" B<end_of_utterance>\nAssistant:")
    text = text_of(
        family,
        family.build_prompt(asked(f"{PICTURE} or {PICTURE} {PICTURE}?"), images, 9).token_ids,
    )
    assert text.count("<global-img>") == 2


def test_what_a_user_types_is_no_special_token(family: Family) -> None:
    images = [family.preprocess(noise_photo(64, 64))]
    prompt = family.build_prompt(asked("What is <image> and <end_of_utterance>?"), images, 10)
    assert len(prompt.image_positions) == 16
    stop = next(iter(family.stop_ids))
    assert prompt.token_ids.count(stop) == 1


def test_an_empty_or_too_long_question_is_refused(family: Family) -> None:
    images = [family.preprocess(noise_photo(64, 64))]
    with pytest.raises(PromptError, match="empty"):
        family.build_prompt(asked(f" {PICTURE} "), images, 10)
    with pytest.raises(PromptError, match="too long"):
        family.build_prompt(asked("why " * 2000), images, 10)


def test_a_template_that_writes_nothing_is_one_sentence(tmp_path: Path) -> None:
    folder = smolvlm_settings(tmp_path / "tiny")
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "chat_template.jinja").write_text("{{ '' }}")
    settings.pop("chat_template", None)
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    silent = family_of(read_checkpoint(folder))
    with pytest.raises(PromptError, match="writes nothing"):
        silent.build_prompt(asked("Hi"), [], 10)


def test_positions_go_on_after_the_prompt(family: Family) -> None:
    prompt = family.build_prompt(asked("What?"), [], 10)
    count = len(prompt.token_ids)
    assert prompt.rotary_positions(0, count + 2).tolist() == [list(range(count + 2))]
    assert prompt.rotary_positions(count + 5, 1).tolist() == [[count + 5]]


def test_characters_come_whole_out_of_bytes(family: Family) -> None:
    tokenizer = family.checkpoint.tokenizer()
    ids = tokenizer.encode("a the 猫", add_special_tokens=False).ids
    assert b"".join(map(family.token_bytes, ids)).decode() == "a the 猫"
    assert family.token_bytes(next(iter(family.stop_ids))) == b""
    assert family.token_bytes(10**6) == b""


def test_sentencepiece_spells_spaces_bytes_and_added_words() -> None:
    words = {word: place for place, word in enumerate(["\u2581the", "cat", "<0xE7>", "\u2581"])}
    tokenizer = Tokenizer(models.BPE(vocab=words, merges=[], byte_fallback=True))
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    tokenizer.add_special_tokens([AddedToken("<s>")])
    tokenizer.add_tokens([AddedToken("<loc01>")])
    spelling = Spelling(tokenizer)
    spelt = [spelling.bytes_of(place) for place in range(6)]
    assert spelt == [b" the", b"cat", b"\xe7", b" ", b"", b"<loc01>"]


@pytest.mark.parametrize("told", ["decoder", "pre_tokenizer"])
def test_a_character_of_two_tokens_is_shown_once_it_is_whole(told: str) -> None:
    words = {word: place for place, word in enumerate(["\u00e7\u012e", "\u00ab", "\u0120cat"])}
    tokenizer = Tokenizer(models.BPE(vocab=words, merges=[]))
    parts = {"decoder": decoders.ByteLevel(), "pre_tokenizer": pre_tokenizers.ByteLevel()}
    setattr(tokenizer, told, parts[told])
    spelling, text = Spelling(tokenizer), TextStream()
    assert [text.feed(spelling.bytes_of(place)) for place in range(3)] == ["", "猫", " cat"]
    assert [text.feed(spelling.bytes_of(place)) for place in (0, 2)] == ["", " cat"]


def test_a_strangers_template_stays_in_its_sandbox() -> None:
    say = ChatTemplate(
        "{% for m in messages %}{{ m.content[0].text|tojson }}{% endfor %}"
        "{% generation %}{{ bos_token }}{% endgeneration %}"
        "{% set ns = namespace(found=1) %}{% set ns.found = 2 %}{{ ns.found }}",
        {"bos_token": "<s>"},
    )
    message = {"role": "user", "content": [{"type": "text", "text": "<a>"}]}
    assert say.render([message]) == '"<a>"<s>2'
    for escape in (
        "{{ messages.__class__.__mro__ }}{{ raise_exception('no') }}",
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ namespace(__class__=1) }}",
        "{{ raise_exception('Only one picture.') }}",
        "{{ messages.append(1) }}",
    ):
        with pytest.raises(PromptError):
            ChatTemplate(escape, {}).render([message])
    with pytest.raises(BundleError):
        ChatTemplate("{% for %}", {})


def test_without_a_template_or_an_image_token_it_is_said(folder: Path, tmp_path: Path) -> None:
    own = smolvlm_settings(tmp_path / "own")
    (own / "chat_template.jinja").unlink()
    with pytest.raises(BundleError, match="no chat template"):
        family_of(read_checkpoint(own))


def test_stop_ids_are_all_that_the_generation_settings_name(tmp_path: Path) -> None:
    own = smolvlm_settings(tmp_path / "own")
    (own / "generation_config.json").write_text(json.dumps({"eos_token_id": [7, 8]}))
    family = family_of(read_checkpoint(own))
    assert {7, 8} <= family.stop_ids


def test_spreads_cover_the_photo_once_for_each_view(family: Family) -> None:
    inputs = family.preprocess(noise_photo(190, 100), tiled=True)
    tiles = inputs.tokens // 16
    assert tiles > 1
    np.testing.assert_allclose(inputs.patch_to_cell.sum(axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(
        inputs.patch_to_cell[-16:].sum(axis=0), 16 / inputs.grid.cells, atol=1e-6
    )


def stopping(path: Path, eos: object = None, end: str = "<end_of_utterance>") -> set[str]:
    """The tokens that end an answer, where the generation settings say `eos`."""
    own = smolvlm_settings(path)
    (own / "generation_config.json").write_text(json.dumps({"eos_token_id": eos}))
    template = (own / "chat_template.jinja").read_text()
    (own / "chat_template.jinja").write_text(template.replace("<end_of_utterance>", end))
    family = family_of(read_checkpoint(own))
    tokenizer = family.checkpoint.tokenizer()
    return {str(tokenizer.id_to_token(each)) for each in family.stop_ids}


def test_what_the_template_writes_after_an_answer_ends_it(tmp_path: Path) -> None:
    found = stopping(tmp_path / "own", eos=7, end="<global-img>")
    assert "<global-img>" in found
    assert len(stopping(tmp_path / "plain", end="<global-img>") - found) == 0
    assert "<global-img>" not in stopping(tmp_path / "usual")


def test_a_special_token_that_ends_turns_everywhere_ends_them_here(tmp_path: Path) -> None:
    assert "<end_of_utterance>" in stopping(tmp_path / "own", eos=7, end="\n")


@pytest.mark.parametrize(
    "eos", [{"a": 1}, "<|im_end|>", -5, [[1], [2]], 10**30, True, 1.5, [None, "x", {}], []]
)
def test_odd_end_tokens_are_let_be(tmp_path: Path, eos: object) -> None:
    assert stopping(tmp_path / "own", eos) == {"<end_of_utterance>"}


HOSTILE = {
    "powers": "{{ 9 ** (9 ** (9 ** 9)) }}",
    "powers of a variable": "{% set n = 9 + messages|length %}{{ n ** (n ** (n ** n)) }}",
    "loops": "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
    "formats": "{{ '%999999999d' % messages|length }}",
    "doubling": "{% set ns = namespace(x='x') %}"
    "{% for i in range(60) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}{{ ns.x }}",
    "lists": "{% set ns = namespace(x=[1]) %}"
    "{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x }}",
    "writing": "{% for a in range(99999) %}{{ 'x' * 9999 }}{% endfor %}",
    "recursion": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_template_without_end_is_ended(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mmgpt_desktop.engine.chat.chat_template.SECONDS", 0.3)
    message = {"role": "user", "content": [{"type": "text", "text": "a"}]}
    with pytest.raises((PromptError, BundleError), match="chat template"):
        ChatTemplate(HOSTILE[name], {}).render([message])
    monkeypatch.undo()
    assert ChatTemplate("{{ messages|length }}", {}).render([message]) == "1"


def bad_tokenizer(folder: Path, **rules: object) -> Path:
    data = json.loads((folder / "tokenizer.json").read_text())
    (folder / "tokenizer.json").write_text(json.dumps(data | rules))
    return folder


GROWING = [{"type": "Replace", "pattern": {"String": "a"}, "content": "aa"}] * 34
REPEATED = {"type": "Split", "pattern": {"Regex": r"(\w+\s?)+$"}, "behavior": "Isolated"}
RULES: list[dict[str, object]] = [
    {"normalizer": {"type": "Precompiled", "precompiled_charsmap": "/////w=="}},
    {"normalizer": {"type": "Precompiled", "precompiled_charsmap": "CAAAAAECAwQFBgcI"}},
    {"normalizer": {"type": "Replace", "pattern": {"String": ""}, "content": "aa"}},
    {"normalizer": {"type": "Sequence", "normalizers": GROWING}},
    {"pre_tokenizer": REPEATED | {"invert": False}},
]


@pytest.mark.parametrize("rules", RULES)
def test_a_tokenizer_that_panics_or_never_ends_is_one_sentence(
    tmp_path: Path, rules: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mmgpt_desktop.engine.folder.tokenizing.TRIAL_S", 1.0)
    folder = bad_tokenizer(smolvlm_settings(tmp_path / "own"), **rules)
    with pytest.raises(BundleError, match="The model's tokenizer "):
        family_of(read_checkpoint(folder))


def test_a_panic_on_a_question_is_one_sentence(tmp_path: Path) -> None:
    pattern = {"Regex": "(z+)+$"}
    rule = {"type": "Replace", "pattern": pattern, "content": ""}
    folder = bad_tokenizer(smolvlm_settings(tmp_path / "own"), normalizer=rule)
    family = family_of(read_checkpoint(folder))
    with pytest.raises(PromptError, match="tokenizer breaks on this question"):
        family.build_prompt(asked("z" * 60 + "!"), [], 8)


def test_a_tokenizer_is_tried_once_and_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platformdirs.user_cache_path", lambda *_a, **_k: tmp_path / "cache")
    monkeypatch.setattr(tokenizing, "tried", set())
    tried = list[str]()
    monkeypatch.setattr(tokenizing, "run", lambda task, *_a, **_k: tried.append(task))
    folder = smolvlm_settings(tmp_path / "own")
    for _ in range(2):
        read_checkpoint(folder).tokenizer()
    monkeypatch.setattr(tokenizing, "tried", set())  # as after a new start
    read_checkpoint(folder).tokenizer()
    assert tried == ["try_tokenizer"]
