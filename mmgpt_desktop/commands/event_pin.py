"""`mmgpt-desktop event-pin`: a PIN as the line for a profile's [lock]."""

from __future__ import annotations

import argparse
import getpass
import sys

from mmgpt_desktop.errors import AppError
from mmgpt_desktop.event.pin import FEWEST, MOST, hash_pin


def add_options(parser: argparse.ArgumentParser) -> None:
    del parser


def run(options: argparse.Namespace) -> int:
    """Ask for a PIN, and print the line."""
    del options
    if sys.stdin.isatty():
        pin, again = getpass.getpass("PIN: "), getpass.getpass("Again: ")
    else:
        pin = again = sys.stdin.readline().strip()
    if pin != again:
        raise AppError("The two were not the same.", "Try again.")
    if not (pin.isascii() and pin.isdigit() and FEWEST <= len(pin) <= MOST):
        raise AppError("A PIN has {fewest} to {most} digits.", fewest=FEWEST, most=MOST)
    print(f'pin = "{hash_pin(pin)}"')
    return 0
