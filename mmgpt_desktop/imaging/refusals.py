"""Sentences for what is no picture that can be opened, each naming what it is."""

from __future__ import annotations

import re
from collections.abc import Callable

from mmgpt_desktop.errors import ImageError
from mmgpt_desktop.imaging.file_kinds import JPEG_LS, raw_kind

_Build = Callable[[str, str], ImageError]  # of a name and a kind
_Named = tuple[_Build, str]
_JUNK = 512  # bytes before a picture begins: the rest of a web server's answer

# Pictures and drawings of other programs.
_OTHER_PICTURES = {
    b"8BPS\0\x02": "PSB",
    b"%PDF-": "PDF",
    b"%!PS": "PostScript",
    b"\xc5\xd0\xd3\xc6": "EPS",
    b"gimp xcf": "XCF",
    b"AT&TFORM": "DjVu",
    b"CSFCHUNK": "CLIP",
    b"v/1\x01": "EXR",
    b"#?RADIANCE": "HDR",
    b"#?RGBE": "HDR",
    b"SDPX": "DPX",
    b"XPDS": "DPX",
    b"SIMPLE  =": "FITS",
    b"\x8aMNG": "MNG",
    b"\x8bJNG": "JNG",
    b"BPG\xfb": "BPG",
    b"FLIF": "FLIF",
    b"PF\n": "PFM",
    b"II\xbc\x01": "JPEG XR",
    JPEG_LS: "JPEG-LS",
    b"\xd7\xcd\xc6\x9a": "WMF",
    b"\x59\xa6\x6a\x95": "Sun raster",
    b"\xabKTX ": "KTX",
    b"/* XPM */": "XPM",
    b"#define ": "XBM",
    b"\0\xffKA": "Affinity",
    b"CDF\x01": "NetCDF",
    b"\x89HDF\r\n\x1a\n": "HDF5",
    b"AC10": "DWG",
    b"BLP1": "BLP",
    b"BLP2": "BLP",
    b"FTEX": "FTEX",
    b"GRIB": "GRIB",
    b"BUFR": "BUFR",
    b"DanM": "MSP",
    b"LinS": "MSP",
}
_ARCHIVES = {
    b"Rar!": "RAR",
    b"7z\xbc\xaf": "7z",
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
    b"(\xb5/\xfd": "Zstandard",
}
_OFFICE = {b"word/": "Word", b"ppt/": "PowerPoint", b"xl/": "Excel", b"mimetypeapplication/vnd": ""}
_DRAWINGS = {b"application/x-krita": "Krita", b"image/openraster": "OpenRaster"}
_SOUNDS = dict.fromkeys((b"ID3", b"fLaC", b"\xff\xfb", b"\xff\xf3", b"#!AMR", b"MThd"), "")
_PROGRAMS = dict.fromkeys((b"MZ", b"\x7fELF", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe"), "")

_EXPORT = "Open it in the program that it is for, and save it as a JPEG or PNG there."


def refusal(head: bytes, name: str) -> ImageError:
    """A sentence that names what a file is, for one that `kind_of` doesn't know."""
    found = _marked(head, name) or _zipped(head) or _worded(head) or (_unknown, "")
    build, kind = found
    return build(name, kind)


def _marked(head: bytes, name: str) -> _Named | None:
    """By a mark at a fixed place."""
    if raw := raw_kind(head, name):
        return raw_refusal, raw
    if head.startswith(b"\x1f\x8b") and name.lower().endswith(".svgz"):
        return _picture, "SVG"
    if head[1:4] == b"PNG" and b"IHDR" in head[:20]:
        return _changed, "PNG"
    for build, table in _MARKED:
        for mark, kind in table.items():
            if head.startswith(mark):
                return build, kind
    for place, mark, build, kind in _WITHIN:
        if head.startswith(mark, place):
            return build, kind
    return (_zeros, "") if not head.strip(b"\0") else None


def _zipped(head: bytes) -> _Named | None:
    """By what lies first in a zip archive, or at the start of an old Office file."""
    if head[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        return _document, "Office"
    if head[:4] not in (b"PK\3\4", b"PK\5\6"):
        return None
    for part, kind in _DRAWINGS.items():
        if part in head[:200]:
            return _picture, kind
    for part, kind in _OFFICE.items():
        if part in head:
            return _document, kind or "OpenDocument"
    return _archive, "ZIP"


def junk_before(head: bytes, name: str) -> int:
    """How many bytes stand before a JPEG or a PNG that begins late, in what has no other name."""
    if _marked(head, name) or _zipped(head):
        return 0
    found = re.search(rb"\xff\xd8\xff[\xc0\xc2\xdb\xe0-\xef\xfe]|\x89PNG\r\n\x1a\n", head[:_JUNK])
    return found.start() if found else 0


_MARKUP = re.compile(rb"^(?:<\?xml|<!--|<[!a-z])", re.IGNORECASE)
_HTML = re.compile(rb"<(?:!doctype html|html|head|body|script|title|meta|div|p|a|br)\b", re.I)
_MHTML = re.compile(rb"^(?:From: <Saved by|MIME-Version:|Content-Type: multipart)", re.I)


def _worded(head: bytes) -> _Named | None:
    """By its words, whatever way they are encoded."""
    text = _plain(head)
    if text is None:
        return None
    if text.startswith(b"version https://git-lfs"):
        return _pointer, ""
    if _MHTML.match(text):
        return _web_page, ""
    if _MARKUP.match(text):
        if re.search(rb"<(?:\w+:)?svg\b", text):
            return _picture, "SVG"
        return (_web_page, "") if _HTML.search(text) else (_text, "")
    if text.startswith(b"{\\rtf"):
        return _document, "RTF"
    return _text, ""


def _plain(head: bytes) -> bytes | None:
    """Its text in UTF-8; nothing where bytes stand that no text has."""
    for mark, encoding in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if head.startswith(mark):
            return head[2:].decode(encoding, "replace").lstrip().encode("utf-8", "replace")
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    return None if re.search(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]", text) else text


def raw_refusal(name: str, kind: str) -> ImageError:
    title = "{name} is a RAW photo of a camera ({kind}), which can't be opened here."
    hint = "Export it as a JPEG with the camera's program or a photo editor."
    return ImageError(title, hint, name=name, kind=kind)


def odd_kind(name: str, kind: str) -> ImageError:
    """A kind that is read, in a way of storing pixels that isn't."""
    title = "The picture {name} is of a rare kind of {kind} that can't be opened here."
    hint = "Open it in another program and save it as a JPEG or PNG there."
    return ImageError(title, hint, name=name, kind=kind)


def damaged_or_odd(name: str, kind: str) -> ImageError:
    title = "The {kind} picture {name} is damaged, or of a kind that can't be opened."
    hint = "Get a whole copy of it, or save it as a JPEG or PNG in another program."
    return ImageError(title, hint, name=name, kind=kind)


def reader_missing(name: str, kind: str) -> ImageError:
    title = "The picture {name} is of the kind {kind}, and what reads those isn't installed here."
    hint = "Save it as a JPEG or PNG in another program, or install the full edition."
    return ImageError(title, hint, name=name, kind=kind)


def _picture(name: str, kind: str) -> ImageError:
    title = "{name} is of the kind {kind}, which is not a picture that can be opened here."
    return ImageError(title, _EXPORT, name=name, kind=kind)


def _document(name: str, kind: str) -> ImageError:
    title = "{name} is a document ({kind}), not a picture."
    return ImageError(title, "Save the picture in it as a file of its own.", name=name, kind=kind)


def _archive(name: str, kind: str) -> ImageError:
    title = "{name} is an archive ({kind}), not a picture."
    return ImageError(title, "Unpack it, and open the picture in it.", name=name, kind=kind)


def _web_page(name: str, _kind: str) -> ImageError:
    title = "{name} is a web page, not a picture."
    hint = "Open the page in a browser, and save the picture itself."
    return ImageError(title, hint, name=name)


def _text(name: str, _kind: str) -> ImageError:
    return ImageError("{name} holds text, not a picture.", _CHOOSE, name=name)


def _sound(name: str, _kind: str) -> ImageError:
    return ImageError("{name} is a sound, not a picture.", _CHOOSE, name=name)


def _program(name: str, _kind: str) -> ImageError:
    return ImageError("{name} is a program, not a picture.", _CHOOSE, name=name)


def _mac(name: str, _kind: str) -> ImageError:
    title = "{name} is a note that a Mac left beside a file, not the picture."
    return ImageError(title, "Open the file whose name has no “._” before it.", name=name)


def _pointer(name: str, _kind: str) -> ImageError:
    title = "{name} only stands for a picture that was not downloaded (Git LFS)."
    return ImageError(title, "Get the picture itself: git lfs pull.", name=name)


def _changed(name: str, kind: str) -> ImageError:
    title = "The {kind} picture {name} was changed on its way, as if it were a text."
    return ImageError(title, "Get a whole copy of it and try again.", name=name, kind=kind)


def _zeros(name: str, _kind: str) -> ImageError:
    title = "{name} holds only zeros: it was not copied or downloaded whole."
    return ImageError(title, "Get a whole copy of it and try again.", name=name)


_CHOOSE = "Use a JPEG, PNG, WebP, HEIC, GIF, BMP, TIFF or AVIF file."


def _unknown(name: str, _kind: str) -> ImageError:
    return ImageError("This file is not a picture that can be opened: {name}.", _CHOOSE, name=name)


_MARKED: tuple[tuple[_Build, dict[bytes, str]], ...] = (
    (_picture, _OTHER_PICTURES),
    (_archive, _ARCHIVES),
    (_sound, _SOUNDS),
    (_program, _PROGRAMS),
)
_WITHIN: tuple[tuple[int, bytes, _Build, str], ...] = (
    (128, b"DICM", _picture, "DICOM"),
    (40, b" EMF", _picture, "EMF"),
    (4, b"\x11\xaf", _picture, "FLIC"),
    (4, b"\x12\xaf", _picture, "FLIC"),
    (0, b"\0\x05\x16\x07", _mac, ""),
    (8, b"WAVE", _sound, ""),
    (8, b"AIFF", _sound, ""),
    (8, b"ILBM", _picture, "IFF"),
    (8, b"PBM ", _picture, "IFF"),
)
