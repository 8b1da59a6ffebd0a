"""The addresses under which a reverse proxy shows labelloop, as one option names them for all that asks about hosts."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from core.domain.errors import BadInput

ADDRESS = "LABELLOOP_PUBLIC_ADDRESS"
_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class PublicAddress:
    """``origin`` as browsers send it, ``host`` as they send it in Host, ``name`` the host without its port."""

    origin: str
    host: str
    name: str


def parse(text: str) -> tuple[PublicAddress, ...]:
    """Addresses such as ``https://labels.example.org``, separated by commas; without ``http`` both kinds are meant.

    Raises:
        BadInput: one of them is no address of a host, or has a path.
    """
    found = []
    for given in filter(None, (part.strip().lower().removesuffix("/") for part in text.split(","))):
        for address in [given] if "://" in given else [f"https://{given}", f"http://{given}"]:
            found.append(_one(address, given))
    return tuple(found)


def known(environment: Mapping[str, str] = os.environ) -> tuple[PublicAddress, ...]:
    """What ``LABELLOOP_PUBLIC_ADDRESS`` names; nothing where it makes no sense (the start has refused it)."""
    try:
        return parse(environment.get(ADDRESS, ""))
    except BadInput:
        return ()


def streamlit_flags(addresses: tuple[PublicAddress, ...], local: tuple[str, ...]) -> list[str]:
    """The command line options that have Streamlit answer to these hosts beside the ``local`` ones."""
    if not addresses:
        return []
    hosts = dict.fromkeys([*local, *(one.name for one in addresses)])
    origins = dict.fromkeys(one.origin for one in addresses)
    named = [("server.allowedHosts", host) for host in hosts]
    named += [("server.corsAllowedOrigins", origin) for origin in origins]  # where the proxy sends its own Host
    return [part for key, value in named for part in (f"--{key}", value)]


def _one(address: str, given: str) -> PublicAddress:
    wrong = BadInput(f"{given!r} is not an address such as https://labels.example.org.")
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        raise wrong from None
    name = parts.hostname or ""
    bare = not (parts.path or parts.query or parts.fragment or parts.username or parts.password)
    if parts.scheme not in _PORTS or not bare or not _NAME.fullmatch(name):
        raise wrong
    host = name if port in (None, _PORTS[parts.scheme]) else f"{name}:{port}"
    return PublicAddress(origin=f"{parts.scheme}://{host}", host=host, name=name)
