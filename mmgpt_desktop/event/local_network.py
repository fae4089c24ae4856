"""The address at which phones in the same room can reach this computer."""

from __future__ import annotations

import contextlib
import ipaddress
import socket

import psutil

from mmgpt_desktop.errors import AppError

_PRIVATE = [
    ipaddress.ip_network(network)
    for network in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16")
]  # RFC 1918, and RFC 3927 for where nobody hands addresses out
_VIRTUAL = ("docker", "br-", "veth", "virbr", "vmnet", "vboxnet", "lxc", "cni")
_NOWHERE = ("192.0.2.1", 9)  # RFC 5737: nobody's address; nothing is sent there


def local_address(wanted: str | None = None) -> str:
    """An IPv4 address of a local network, never a public one. Raises AppError if there is none.

    The `wanted` one, or else the one by which the computer would leave its network: mostly
    that is the network in which the others are.
    """
    found = _private_addresses()
    if wanted is not None and wanted not in found:
        raise AppError(
            "This computer doesn't have the address {address} now.",
            "Connect it to that network, or name another address in the profile.",
            address=wanted,
        )
    if not found:
        raise AppError(
            "This computer is in no local network, so a phone can't fetch the card.",
            "Connect it to the network that the visitors' phones are in.",
        )
    outward = outward_address()
    return wanted or (outward if outward in found else found[0])


def _private_addresses() -> list[str]:
    """Of interfaces that are up; tunnels are none, and virtual machines' networks come last."""
    stats = psutil.net_if_stats()
    found = [
        (name.startswith(_VIRTUAL), each.address.startswith("169.254."), each.address)
        for name, addresses in psutil.net_if_addrs().items()
        for each in addresses
        if name in stats and stats[name].isup and each.family == socket.AF_INET
        if each.ptp is None and is_private(each.address)
    ]
    return [address for *_, address in sorted(found)]


def is_private(text: str) -> bool:
    """Whether it is the IPv4 address of a computer in a local network."""
    try:
        address = ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return any(address in network for network in _PRIVATE)


def outward_address() -> str:
    with (
        contextlib.suppress(OSError),
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as outward,
    ):
        outward.connect(_NOWHERE)
        return str(outward.getsockname()[0])
    return ""
