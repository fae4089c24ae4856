"""What the line under a word tells: how sure the model was, or what the word needed."""

from __future__ import annotations

from PySide6.QtGui import QTextCharFormat

from mmgpt_desktop.messages import Verdict

Line = QTextCharFormat.UnderlineStyle

# The less sure the model was, the more broken the line: a mark without colour.
_MARKS = (
    (0.75, Line.NoUnderline),
    (0.35, Line.DashUnderline),
    (0.00, Line.DotLine),
)


# Also without colour, and no more kinds than one keeps in mind: what needs none has no line.
VERDICT_MARKS = {
    **dict.fromkeys((None, Verdict.ANYWHERE, Verdict.LANGUAGE), Line.NoUnderline),
    Verdict.MATTERED: Line.SingleUnderline,
    Verdict.PARTLY: Line.DashUnderline,
}


def mark(probability: float) -> Line:
    return next((style for floor, style in _MARKS if probability >= floor), _MARKS[-1][1])
