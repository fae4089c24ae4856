"""Event mode: the show that visitors see, and the presenter's window."""

from mmgpt_desktop.ui.event.event_app import run as run
