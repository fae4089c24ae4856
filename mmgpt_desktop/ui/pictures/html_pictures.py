"""Which picture a piece of HTML shows, as browsers and writing programs put it on the clipboard."""

from __future__ import annotations

import base64
import binascii
import html
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from urllib.parse import unquote_to_bytes, urljoin

from mmgpt_desktop.errors import ImageError

LARGEST = 64 * 2**20  # bytes of a picture that is written into the HTML itself
_MOST_TEXT = 400_000  # characters, without such pictures
_LONGEST_TAG = 20_000
_MOST_IMAGES = 100
# What a page shows until it is scrolled to is smaller than this: one pixel, or a drawing.
_PLACEHOLDER = 200
_LATER = (  # where pages keep the address meanwhile, in the order of trust
    "data-src",
    "data-original",
    "data-lazy-src",
    "data-lazy",
    "data-imgurl",
    "data-objurl",
    "data-actualsrc",
    "data-iurl",
    "data-url",
)
# Other tags than <img> that show a picture, and where they have it.
_SHOWN_BY = {
    "amp-img": "src",
    "v:imagedata": "src",
    "image": "href",
    "object": "data",
    "video": "poster",
    "source": "srcset",
}
# Python's parser takes minutes for 50 kB of tags that never end, so that it gets whole tags only.
_NEXT = re.compile(
    r"<(?:!--|(?:img|input|base|amp-img|image|v:imagedata|object|video|source)(?=[\s/])"
    r"|(script|style|template|textarea|title)\b)",
    re.IGNORECASE,
)
_TAG = re.compile(r"""<[\w:-]+(?:=\s*+"[^"]*+"|=\s*+'[^']*+'|[^>=]++|=)*+>""")
_WRITTEN = re.compile(  # the data: of an attribute, quoted or not
    r"""(?<=")\s*data:[^"]*(?=")|(?<=')\s*data:[^']*(?=')|(?<==)data:[^\s>]+""", re.IGNORECASE
)
_STAND_IN = re.compile(r"data:#(\d+)")
_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_BACKGROUND = re.compile(
    r"background(?:-image)?\s{0,9}:[^;<>]{0,300}?url\(\s{0,9}"
    r"(?:&quot;|&#3[49];|[\"'])?([^\s\"'()<>]{1,4000}+)",
    re.IGNORECASE,
)
_SRCSET = re.compile(r"\s*(\S*[^\s,])(?:\s+(\d+(?:\.\d+)?)[wx])?[^,]*(?:,|$)")


def picture_in(text: str, page: str = "") -> bytes | str | None:
    """The first picture of some HTML, None if there is none; `page` is where it may be from.

    Its bytes, or its address, empty where it is of a kind that nobody else has. Raises ImageError
    for one that is too large.
    """
    written: list[str] = []

    def keep(found: re.Match[str]) -> str:
        written.append(found[0].strip())
        return f"data:#{len(written) - 1}"

    tags = _Tags()
    for tag in _whole_tags(_WRITTEN.sub(keep, text)[:_MOST_TEXT]):
        tags.feed(tag)
    images = tags.images or tags.others or _backgrounds(text)
    if not images:
        return None
    page = _joined(page, tags.base) or page
    found = [
        named
        for image in images
        for address in _addresses(image)
        if (named := _named(address, page, written))
    ]
    real = (each for each in found if isinstance(each, str) or len(each) >= _PLACEHOLDER)
    return next(real, found[0] if found else "")


class _Tags(HTMLParser):
    """The pictures' attributes, and what their addresses are relative to."""

    def __init__(self) -> None:
        super().__init__()
        self.images: list[dict[str, str]] = []
        self.others: list[dict[str, str]] = []
        self.base = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: (value or "").strip() for name, value in reversed(attrs)}
        counted = {found.get(side, "").removesuffix("px") for side in ("width", "height")}
        if tag == "base":
            self.base = self.base or found.get("href", "")
        shows = tag == "img" or (tag == "input" and found.get("type", "").lower() == "image")
        if shows and not counted <= {"0", "1"} and len(self.images) < _MOST_IMAGES:
            self.images.append(found)
        if (name := _SHOWN_BY.get(tag)) and len(self.others) < _MOST_IMAGES:
            address = found.get(name, "") or found.get(f"xlink:{name}", "")
            if address and found.get("type", "image/").startswith("image/"):
                self.others.append({"srcset" if name == "srcset" else "src": address})


def _backgrounds(text: str) -> list[dict[str, str]]:
    """Of what shows a picture by its style."""
    found = _BACKGROUND.search(text[:_MOST_TEXT])
    return [{"src": html.unescape(found[1]).strip("\"'")}] if found else []


def _whole_tags(text: str) -> Iterator[str]:
    at = 0
    while found := _NEXT.search(text, at):
        if found[0] == "<!--":
            end = re.compile("-->").search(text, found.start() + 2)
        elif found[1]:  # what is in these is no HTML
            end = re.compile(f"</{found[1]}", re.IGNORECASE).search(text, found.end())
        else:
            end = _TAG.match(text, found.start())
            if end and len(end[0]) <= _LONGEST_TAG:
                yield end[0]
        if end is None:
            return
        at = end.end()


def _addresses(image: dict[str, str]) -> Iterator[str]:
    """What is shown comes before what would be shown elsewhere or later."""
    yield image.get("src", "")
    for name in ("srcset", "data-srcset"):
        yield _largest(image.get(name, ""))
    yield from (image.get(name, "") for name in _LATER)


def _largest(srcset: str) -> str:
    """Of "small.jpg 480w, large.jpg 960w"; an address may have commas in it."""
    choices = _SRCSET.findall(srcset)
    return max(choices, key=lambda choice: float(choice[1] or 1))[0] if choices else ""


def _named(address: str, page: str, written: list[str]) -> bytes | str:
    if stand_in := _STAND_IN.fullmatch(address):
        return bytes_written(html.unescape(written[int(stand_in[1])]))
    address = re.sub(r"[\t\r\n]", "", address).replace(" ", "%20")
    whole = _joined(page or "https:", address) if address.strip("#") else ""
    return whole if re.match(r"https?://[^/]|file:/", whole, re.IGNORECASE) else ""


def _joined(page: str, address: str) -> str:
    try:
        return urljoin(page, address)
    except ValueError:  # such as half of an IPv6 address
        return ""


def bytes_written(address: str) -> bytes:
    """Of a `data:` address of a picture; nothing for another one. Raises ImageError."""
    head, _, body = address.partition(",")
    kind, *rest = head.partition(":")[2].lower().split(";")
    if kind.partition("/")[0].strip() not in ("image", "video"):
        return b""
    if len(body) > LARGEST * 4 // 3 + 4:
        raise too_large()
    data = unquote_to_bytes(body)
    if "base64" not in (each.strip() for each in rest):
        return data
    letters = data.translate(_URL_SAFE, b" \t\r\n=")
    try:
        return base64.b64decode(letters + b"=" * (-len(letters) % 4), validate=True)
    except binascii.Error:
        return b""


def too_large() -> ImageError:
    return ImageError(
        "The picture is larger than {limit} MB, so it was not opened.",
        "Save a smaller version of it and open the file.",
        limit=LARGEST // 2**20,
    )
