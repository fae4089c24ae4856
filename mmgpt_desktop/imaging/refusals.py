"""Sentences for what is no picture that can be opened, each naming what it is."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mmgpt_desktop.errors import ImageError
from mmgpt_desktop.imaging.file_kinds import JPEG_LS, raw_kind

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


@dataclass(frozen=True)
class Refusal:
    """What is said of a file that can't be opened: templates over its name and kind."""

    title: str
    hint: str

    def error(self, name: str, kind: str = "", **values: object) -> ImageError:
        return ImageError(self.title, self.hint, name=name, kind=kind, **values)


_Named = tuple[Refusal, str]  # and the kind
_CHOOSE = "Use a JPEG, PNG, WebP, HEIC, GIF, BMP, TIFF or AVIF file."

RAW = Refusal(
    "{name} is a RAW photo of a camera ({kind}), which can't be opened here.",
    "Export it as a JPEG with the camera's program or a photo editor.",
)
ODD_KIND = Refusal(
    "The picture {name} is of a rare kind of {kind} that can't be opened here.",
    "Open it in another program and save it as a JPEG or PNG there.",
)
DAMAGED_OR_ODD = Refusal(
    "The {kind} picture {name} is damaged, or of a kind that can't be opened.",
    "Get a whole copy of it, or save it as a JPEG or PNG in another program.",
)
DAMAGED = Refusal(
    "The picture {name} is damaged or cut short.", "Get a whole copy of it and try again."
)
EMPTY = Refusal("The file {name} is empty.", "Get a whole copy of it and try again.")
READER_MISSING = Refusal(
    "The picture {name} is of the kind {kind}, and what reads those isn't installed here.",
    "Save it as a JPEG or PNG in another program, or install the full edition.",
)
TOO_LARGE = Refusal(
    "The picture {name} is too large: {width} x {height} pixels.",
    "Make it smaller first: at most {limit} million pixels.",
)
NO_MEMORY = Refusal(
    "The picture {name} is too large for this computer's memory.",
    "Make it smaller first: at most {limit} million pixels.",
)
_PICTURE = Refusal(
    "{name} is of the kind {kind}, which is not a picture that can be opened here.",
    "Open it in the program that it is for, and save it as a JPEG or PNG there.",
)
_DOCUMENT = Refusal(
    "{name} is a document ({kind}), not a picture.",
    "Save the picture in it as a file of its own.",
)
_ARCHIVE = Refusal(
    "{name} is an archive ({kind}), not a picture.", "Unpack it, and open the picture in it."
)
_WEB_PAGE = Refusal(
    "{name} is a web page, not a picture.",
    "Open the page in a browser, and save the picture itself.",
)
_TEXT = Refusal("{name} holds text, not a picture.", _CHOOSE)
_SOUND = Refusal("{name} is a sound, not a picture.", _CHOOSE)
_PROGRAM = Refusal("{name} is a program, not a picture.", _CHOOSE)
_MAC = Refusal(
    "{name} is a note that a Mac left beside a file, not the picture.",
    "Open the file whose name has no “._” before it.",
)
_POINTER = Refusal(
    "{name} only stands for a picture that was not downloaded (Git LFS).",
    "Get the picture itself: git lfs pull.",
)
_CHANGED = Refusal(
    "The {kind} picture {name} was changed on its way, as if it were a text.",
    "Get a whole copy of it and try again.",
)
_ZEROS = Refusal(
    "{name} holds only zeros: it was not copied or downloaded whole.",
    "Get a whole copy of it and try again.",
)
_UNKNOWN = Refusal("This file is not a picture that can be opened: {name}.", _CHOOSE)

_MARKED: tuple[tuple[Refusal, dict[bytes, str]], ...] = (
    (_PICTURE, _OTHER_PICTURES),
    (_ARCHIVE, _ARCHIVES),
    (_SOUND, _SOUNDS),
    (_PROGRAM, _PROGRAMS),
)
_WITHIN: tuple[tuple[int, bytes, Refusal, str], ...] = (
    (128, b"DICM", _PICTURE, "DICOM"),
    (40, b" EMF", _PICTURE, "EMF"),
    (4, b"\x11\xaf", _PICTURE, "FLIC"),
    (4, b"\x12\xaf", _PICTURE, "FLIC"),
    (0, b"\0\x05\x16\x07", _MAC, ""),
    (8, b"WAVE", _SOUND, ""),
    (8, b"AIFF", _SOUND, ""),
    (8, b"ILBM", _PICTURE, "IFF"),
    (8, b"PBM ", _PICTURE, "IFF"),
)


def refusal_of(head: bytes, name: str) -> ImageError:
    """A sentence that names what a file is, for one that `kind_of` doesn't know."""
    found, kind = _marked(head, name) or _zipped(head) or _worded(head) or (_UNKNOWN, "")
    return found.error(name, kind)


def _marked(head: bytes, name: str) -> _Named | None:
    """By a mark at a fixed place."""
    if raw := raw_kind(head, name):
        return RAW, raw
    if head.startswith(b"\x1f\x8b") and name.lower().endswith(".svgz"):
        return _PICTURE, "SVG"
    if head[1:4] == b"PNG" and b"IHDR" in head[:20]:
        return _CHANGED, "PNG"
    for refusal, table in _MARKED:
        for mark, kind in table.items():
            if head.startswith(mark):
                return refusal, kind
    for place, mark, refusal, kind in _WITHIN:
        if head.startswith(mark, place):
            return refusal, kind
    return (_ZEROS, "") if not head.strip(b"\0") else None


def _zipped(head: bytes) -> _Named | None:
    """By what lies first in a zip archive, or at the start of an old Office file."""
    if head[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        return _DOCUMENT, "Office"
    if head[:4] not in (b"PK\3\4", b"PK\5\6"):
        return None
    for part, kind in _DRAWINGS.items():
        if part in head[:200]:
            return _PICTURE, kind
    for part, kind in _OFFICE.items():
        if part in head:
            return _DOCUMENT, kind or "OpenDocument"
    return _ARCHIVE, "ZIP"


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
        return _POINTER, ""
    if _MHTML.match(text):
        return _WEB_PAGE, ""
    if _MARKUP.match(text):
        if re.search(rb"<(?:\w+:)?svg\b", text):
            return _PICTURE, "SVG"
        return (_WEB_PAGE, "") if _HTML.search(text) else (_TEXT, "")
    if text.startswith(b"{\\rtf"):
        return _DOCUMENT, "RTF"
    return _TEXT, ""


def _plain(head: bytes) -> bytes | None:
    """Its text in UTF-8; nothing where bytes stand that no text has."""
    for mark, encoding in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if head.startswith(mark):
            return head[2:].decode(encoding, "replace").lstrip().encode("utf-8", "replace")
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    return None if re.search(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]", text) else text
