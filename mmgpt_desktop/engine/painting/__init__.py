"""Painters: a sentence goes in, a picture grows."""
