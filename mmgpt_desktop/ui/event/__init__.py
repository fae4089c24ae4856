"""Event mode: the show that visitors see, and the presenter's window."""
