"""Event mode: the show that visitors see, and the presenter's window."""

from mmgpt_desktop.ui.event.app import run as run
