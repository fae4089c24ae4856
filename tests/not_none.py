"""What must be there, for a test that goes on with it."""

from __future__ import annotations

from typing import TypeVar

Value = TypeVar("Value")


def not_none(value: Value | None) -> Value:
    assert value is not None
    return value
