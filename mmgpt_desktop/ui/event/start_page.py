"""Where a visitor begins: three big ways to a picture."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from mmgpt_desktop.event.profile import Profile
from mmgpt_desktop.ui.event.cards import ActionCard, words
from mmgpt_desktop.ui.event.scale import Scale, text_on
from mmgpt_desktop.ui.widgets.texts import Retranslated
from mmgpt_desktop.ui.widgets.theme import Theme


class StartPage(Retranslated, QWidget):
    """Only what the profile allows and the machine has is offered."""

    def __init__(self, theme: Theme, scale: Scale, profile: Profile) -> None:
        super().__init__()
        self._theme, self._profile = theme, profile
        self.setObjectName("page")
        self.headline, self.promise = words("huge", centred=True), words("body", centred=True)
        self.privacy = words("small", centred=True)
        self.camera = ActionCard(theme, scale, "camera")
        self.drop = ActionCard(theme, scale, "drop")
        self.samples = ActionCard(theme, scale, "samples")
        self.draw = ActionCard(theme, scale, "draw")
        self.draw.hide()  # until there is a painter
        self._scale, self._row = scale, scale.hbox(*((card, 1) for card in self._cards), gap=3)
        parts = (2, self.headline, self.promise, 1, (self._row, 9), 1, self.privacy)
        self.setLayout(scale.vbox(*parts, gap=2, margin=4, top=2.5))
        scale.changed.connect(self._fit)
        theme.changed.connect(self._draw)
        self.offer_camera(False)
        self.retranslate_ui()

    def offer_camera(self, camera: bool) -> None:
        lock = self._profile.lock
        self.camera.setVisible(camera and lock.camera)
        self.drop.setVisible(lock.drop or lock.files is not None)
        self._draw()

    def _fit(self) -> None:
        self._row.setDirection(self._scale.direction())

    def _draw(self) -> None:
        colours = self._theme.colours
        ground = self._profile.brand.colour or colours.accent
        for card in self._cards:
            card.stand_out(card is self.offered[0], text_on(ground))

    @property
    def _cards(self) -> tuple[ActionCard, ...]:
        return (self.camera, self.drop, self.samples, self.draw)

    @property
    def offered(self) -> list[ActionCard]:
        """At least the samples."""
        return [card for card in self._cards if not card.isHidden()]

    def retranslate_ui(self) -> None:
        self.headline.setText(self.tr("Show me a picture"))
        self.promise.setText(
            self.tr("Ask me about it, and see where I look for every word that I write.")
        )
        self.camera.set_texts(self.tr("Take a picture"), self.tr("with the camera"))
        files = self._profile.lock.files is not None
        self.drop.set_texts(
            self.tr("Choose a picture") if files else self.tr("Drop a picture"),
            self.tr("from this computer's folder") if files else self.tr("anywhere on this screen"),
        )
        self.samples.set_texts(self.tr("Choose a sample"), self.tr("one of our photos"))
        self.draw.set_texts(self.tr("Have one drawn"), self.tr("by what you say"))
        self.privacy.setText(self._privacy())

    def _privacy(self) -> str:
        """What becomes of what visitors do; the profile decides it."""
        kept = self._profile.numbers
        if kept.pictures is not None and kept.texts:
            return self.tr("The organiser of this event keeps your pictures and your questions.")
        if kept.pictures is not None:
            return self.tr("The organiser of this event keeps the pictures that you show here.")
        if kept.texts:
            return self.tr(
                "Your picture is forgotten when you go; the organiser keeps the questions."
            )
        return self.tr("Your picture stays on this computer, and is forgotten when you go.")
