"""MMGPT Desktop: see a multimodal GPT look at a picture."""

__version__ = "0.1.0"
