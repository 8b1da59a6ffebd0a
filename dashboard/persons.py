"""Who is at the browser: the name that a reverse proxy passes on, where one is configured, else whoever runs labelloop.

``LABELLOOP_USER_HEADER`` names the header that the proxy sets (and strips from what browsers send);
``LABELLOOP_PUBLIC_ADDRESS`` the address that people type, such as ``https://labels.example.org``. Without the first no
header is believed; without the second labelloop answers on this computer's own names alone.
"""

import os
from collections.abc import Mapping
from urllib.parse import urlsplit

HEADER = "LABELLOOP_USER_HEADER"
ADDRESS = "LABELLOOP_PUBLIC_ADDRESS"
LOCAL = frozenset({"localhost", "127.0.0.1", "[::1]"})
LONGEST = 100


def who(headers: Mapping[str, str], otherwise: str) -> str:
    """The person's name, from the proxy's header or ``otherwise``."""
    wanted = os.environ.get(HEADER, "").strip().lower()
    if not wanted:
        return otherwise
    given = next((value for name, value in headers.items() if name.lower() == wanted), "")
    name = "".join(character for character in given.strip() if character.isprintable())[:LONGEST]
    return name or otherwise


def known_host(host: str) -> bool:
    """Whether ``host`` (of a Host header, port and all) is a name that this server answers to."""
    name = host.rsplit(":", 1)[0].lower() if not host.endswith("]") else host.lower()
    return name in LOCAL or (bool(host) and host.lower() == _public_host())


def own_origin(origin: str, host: str) -> bool:
    """Whether a page of ``origin`` is ours: the very address in Host, or the public one."""
    public = os.environ.get(ADDRESS, "").strip().rstrip("/").lower()
    return origin in (f"http://{host}", f"https://{host}") or (bool(public) and origin.lower() == public)


def _public_host() -> str:
    return urlsplit(os.environ.get(ADDRESS, "").strip()).netloc.lower()
