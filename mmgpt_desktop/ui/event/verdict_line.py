"""Says in plain words what is seen: which word's places are bright, and whether it needs them."""

from __future__ import annotations

from PySide6.QtCore import QObject

from mmgpt_desktop.text import printable
from mmgpt_desktop.ui.event.answer_page import AnswerPage
from mmgpt_desktop.ui.heatmap.explainer import Explainer
from mmgpt_desktop.ui.heatmap.heatmaps import Heatmaps
from mmgpt_desktop.ui.widgets.texts import say
from mmgpt_desktop.verdicts import VERDICTS


class Telling(QObject):
    """Follows the word in view."""

    def __init__(self, page: AnswerPage, heatmaps: Heatmaps, explainer: Explainer) -> None:
        super().__init__()
        self._page, self._heatmaps, self._explainer = page, heatmaps, explainer
        page.rewritten.connect(self.refresh)
        heatmaps.looked.connect(self.refresh)
        explainer.changed.connect(self.refresh)

    def refresh(self) -> None:
        at = self._heatmaps.in_view
        if at is None or not at[0].words:
            self._page.say_caption("")
            self._page.say_verdict("")
            return
        turn, index = at
        word = printable(turn.words[index].bare)
        self._page.say_caption(word if self._heatmaps.answer_maps(turn) is not None else "")
        check = turn.check(self._heatmaps.map_choice(turn), index)
        if check is not None:
            verdict = say(VERDICTS[check.verdict])
            self._page.say_verdict(
                self.tr("\u201c{word}\u201d: {verdict}").format(word=word, verdict=verdict)
            )
        elif turn.outcome is not None and self._explainer.busy:
            self._page.say_verdict(
                self.tr(
                    "\u201c{word}\u201d: finding out whether the bright places matter\u2026"
                ).format(word=word)
            )
        else:
            self._page.say_verdict("")
