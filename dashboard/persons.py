"""Who is at the browser: the name that a reverse proxy passes on, where one is configured, else whoever runs labelloop.

``LABELLOOP_USER_HEADER`` names the header that the proxy sets (and strips from what browsers send); ``labelloop
--public-address`` the address that people type (core.services.public_address). Without the first no header is believed;
without the second labelloop answers on this computer's own names alone.
"""

import os
from collections.abc import Mapping

from core.domain.decisions import USER_HEADER
from core.services import public_address

LOCAL = frozenset({"localhost", "127.0.0.1", "[::1]"})
LONGEST = 100


def who(headers: Mapping[str, str], otherwise: str) -> str:
    """The person's name, from the proxy's header or ``otherwise``."""
    wanted = os.environ.get(USER_HEADER, "").strip().lower()
    if not wanted:
        return otherwise
    given = next((value for name, value in headers.items() if name.lower() == wanted), "")
    name = "".join(character for character in given.strip() if character.isprintable())[:LONGEST]
    return name or otherwise


def known_host(host: str) -> bool:
    """Whether ``host`` (of a Host header, port and all) is a name that this server answers to."""
    name = host.rsplit(":", 1)[0].lower() if not host.endswith("]") else host.lower()
    return name in LOCAL or host.lower() in {one.host for one in public_address.known()}


def own_origin(origin: str, host: str) -> bool:
    """Whether a page of ``origin`` is ours: the very address in Host, or a public one."""
    return origin in (f"http://{host}", f"https://{host}") or origin in {one.origin for one in public_address.known()}
