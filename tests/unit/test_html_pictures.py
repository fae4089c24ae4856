"""The HTML of a drag names the picture, as browsers, chats and writing programs put it."""

from __future__ import annotations

import base64

import pytest

from mmgpt_desktop.errors import ImageError
from mmgpt_desktop.ui.pictures import html_pictures
from mmgpt_desktop.ui.pictures.html_pictures import bytes_written, picture_in

PAGE = "https://shop.example/things/page.html"
REAL = "https://a.example/real.jpg"
PIXELS = bytes(range(256)) * 2
WRITTEN = "data:image/jpeg;base64," + base64.b64encode(PIXELS).decode()
BLANK = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="

ADDRESSES = {
    f'<img src="{REAL}">': REAL,
    f"<IMG SRC='{REAL}'>": REAL,
    f"<img src={REAL}>": REAL,
    f"<img src={REAL}/>": REAL + "/",
    f'<img\n  src\t=\n"{REAL}"/>': REAL,
    f'<img data-src="https://a.example/lazy.jpg" src="{REAL}">': REAL,
    f'<img src="{BLANK}" data-original="{REAL}">': REAL,
    f'<img src="{BLANK}"><img src="{REAL}">': REAL,
    f'<img data-imgurl="{REAL}" alt="百度图片">': REAL,
    f'<img alt="a > b" title=\'"<img src=x>"\' src="{REAL}">': REAL,
    f"<img alt=it's src={REAL}>": REAL,
    f'<img src="{REAL}" src="https://a.example/second.jpg">': REAL,
    f'<!-- <img src="https://a.example/no.jpg"> --><img src="{REAL}">': REAL,
    f'<script>"<img src=https://a.example/no.jpg>"</script><img src="{REAL}">': REAL,
    f'<img width="1" height="1" src="https://a.example/count"><img src="{REAL}">': REAL,
    f'<input type="image" src="{REAL}">': REAL,
    '<img src="https://a.example/a.jpg?x=1&amp;y=2&#38;z=3">': "https://a.example/a.jpg?x=1&y=2&z=3",
    '<img src="//cdn.example/a.jpg">': "https://cdn.example/a.jpg",
    '<img src="/a.jpg">': "https://shop.example/a.jpg",
    '<img src="a.jpg">': "https://shop.example/things/a.jpg",
    '<base href="https://b.example/c/"><img src="../a.jpg">': "https://b.example/a.jpg",
    '<img srcset="/s,w_1.jpg 480w, /l,w_2.jpg 960w,/m.jpg 640w">': "https://shop.example/l,w_2.jpg",
    '<picture><source srcset="/no.avif"><img srcset="/a.jpg, /b.jpg 2x"></picture>': (
        "https://shop.example/b.jpg"
    ),
    '<img src="https://a.example/a b.jpg">': "https://a.example/a%20b.jpg",
    f'<picture><source type="image/avif" srcset="{REAL}, /l.avif 2x"></picture>': (
        "https://shop.example/l.avif"
    ),
    f'<svg><image href="{REAL}"/></svg>': REAL,
    f'<svg><image xlink:href="{REAL}"/></svg>': REAL,
    f'<v:shape><v:imagedata src="{REAL}"/></v:shape>': REAL,
    f'<amp-img src="{REAL}" width="4"></amp-img>': REAL,
    f'<object data="/film.swf" type="application/x"></object><object data="{REAL}">': REAL,
    f'<video poster="{REAL}" src="/film.mp4"><source src="/film.mp4"></video>': REAL,
    f'<div style="color: red; background: #fff url({REAL}) 0 0"></div>': REAL,
    f'<a style="background-image:url(&quot;{REAL}?a=1&amp;b=2&quot;)"></a>': REAL + "?a=1&b=2",
    f"<a style=\"background-image:url('{REAL}')\"></a>": REAL,
    f'<b style="background:url(/no.jpg)"></b><video poster="/no.jpg"></video><img src="{REAL}">': (
        REAL
    ),
    '<img src="file:///C:/Users/me/QQ%20Files/a.png">': "file:///C:/Users/me/QQ%20Files/a.png",
}


@pytest.mark.parametrize("text", ADDRESSES)
def test_the_address_is_the_picture_s_own(text: str) -> None:
    assert picture_in(f'<a href="{PAGE}">{text}</a>', PAGE) == ADDRESSES[text]


@pytest.mark.parametrize(
    "source",
    [
        f'"{WRITTEN}"',
        WRITTEN,
        f"'{WRITTEN[:300]}\n  {WRITTEN[300:]}'",
        f'"{WRITTEN.rstrip("=")}"',
        f'"{WRITTEN.replace("+", "-").replace("/", "_").replace("image_", "image/")}"',
        f'"{WRITTEN.replace("+", "%2B").replace("=", "%3D")}"',
        f'"{WRITTEN.replace("+", "&#43;")}"',
        '"DATA:image/jpeg,' + "".join(f"%{byte:02x}" for byte in PIXELS) + '"',
    ],
)
def test_a_picture_may_be_written_out(source: str) -> None:
    found = picture_in(f'<a href="{PAGE}"><img alt="x" src={source}></a>', PAGE)
    assert found == PIXELS


@pytest.mark.parametrize(
    "source", ["blob:https://a.example/1-2", "cid:1", "", "#", "data:text/html,<b>", "http://[x/"]
)
def test_a_picture_that_nobody_else_has_has_no_name(source: str) -> None:
    found = picture_in(f'<a href="{PAGE}"><img src="{source}"></a>', PAGE)
    assert found == ""


def test_without_a_picture_or_a_page_nothing_is_guessed() -> None:
    assert picture_in(f'<a href="{PAGE}">text</a>', PAGE) is None
    assert picture_in("") is None
    found = picture_in('<img src="a.jpg">')
    assert found == ""


def test_a_picture_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(html_pictures, "LARGEST", 256)
    with pytest.raises(ImageError, match="larger than"):
        picture_in(f'<img src="{WRITTEN}">')
    with pytest.raises(ImageError, match="larger than"):
        bytes_written(WRITTEN)


STYLES = ("background:", "background:url(", "background:url(a", "<video poster=", "<image href='")
TAGS = ("<", "<a ", "<img ", '<img x="', "<img src=", '<img "', "<img =", "<!--", "<![", "<script>")
LISTS = ("<img srcset='a ,", "<img srcset=',", "<img srcset='1.", "<img srcset='a 1w")


@pytest.mark.parametrize("piece", [*TAGS, *LISTS, *STYLES, '"data:', "'data:\"", "=data:", "&#38;"])
def test_hostile_html_is_read_in_one_go(piece: str) -> None:
    """Python's own parser would take minutes for a tenth of it."""
    text = piece * (500_000 // len(piece))
    assert not picture_in(text, PAGE)
    assert not picture_in(text + "'>", PAGE)
