"""What the pages need of the FiftyOne server, over HTTP: show a queue, read the selection, embed. No fiftyone here."""

import http.client
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from core.domain.decisions import Outcome
from core.domain.errors import ServiceFailed

TOKEN_HEADER = "X-Labelloop-Token"
LOOKS = ("light", "dark")
LARGEST_BEFORE = 200  # samples; what the App was sent last stands for what its person has before them
LARGEST_VIEW = 5_000  # samples; the App sends a view's ids along with every request that it makes

Says = tuple[str | None, str]
"""What a queue says of one sample: the class it suggests, and the evidence that a decision carries into the journal."""

Seen = tuple[str | None, bool]
"""What the App shows of one sample: its label, and whether it is excluded."""

_TIMEOUT = 10.0  # seconds


@dataclass(frozen=True, slots=True)
class Selection:
    """What is ticked in the App. ``dataset`` is ``None`` while it shows none; ``says`` as in :meth:`AppClient.show`.

    ``seen`` is what the App shows of each, which may be older than what the sample is; a decision is held against it.
    ``before`` is what it was sent last, newest first: about what its person has before them.
    """

    ids: tuple[str, ...]
    dataset: str | None
    queue: str
    says: Mapping[str, Says] = field(default_factory=dict)
    seen: Mapping[str, Seen] = field(default_factory=dict)
    before: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class AppClient:
    """The FiftyOne server on ``port`` of this machine.

    Raises (all methods but :meth:`url` and :meth:`alive`):
        ServiceFailed: it does not run, does not answer in time, or has no such dataset.
    """

    port: int
    token: str = field(repr=False)

    def show(
        self,
        dataset: str,
        ids: Sequence[str] | None,
        queue_title: str = "",
        says: Mapping[str, Says] | None = None,
    ) -> int:
        """Show the samples ``ids`` in this order (``None``: all) in every tab; the number shown.

        At most ``LARGEST_VIEW`` ids are shown, the first ones. What is shown already is left as it is. ``says`` is what
        the queue says of its samples; decisions in the App are journalled with it.
        """
        chosen = None if ids is None else list(ids[:LARGEST_VIEW])
        told = {one: list((says or {})[one]) for one in chosen or () if one in (says or {})}
        content = {"dataset": dataset, "ids": chosen, "queue": queue_title, "says": told}
        answer = self._ask("POST", "view", content)
        return int(answer["shown"])

    def selection(self) -> Selection:
        """What is ticked in the App, in the order of ticking."""
        answer = self._ask("GET", "selection")
        says = {one: (suggestion, evidence) for one, (suggestion, evidence) in answer["says"].items()}
        seen = {one: (label, excluded) for one, (label, excluded) in answer["seen"].items()}
        return Selection(tuple(answer["ids"]), answer["dataset"], answer["queue"], says, seen, tuple(answer["before"]))

    def refresh(self, *, clear: bool = False, told: Iterable[Outcome] = ()) -> None:
        """Have every tab read the dataset again, after labels were changed elsewhere; ``clear`` unticks all images.

        ``told`` is what became of the person's own decisions: they know of it before the App shows it.
        """
        known = [[one.sample_id, one.saved, one.label, one.excluded] for one in told]
        self._ask("POST", "refresh", {"clear": clear, "told": known})

    def alive(self, *, timeout: float = 1.0) -> bool:
        """Whether the server answers."""
        try:
            self._ask("GET", "alive", timeout=timeout)
        except ServiceFailed:
            return False
        return True

    def url(self, host: str, dataset: str | None = None, *, look: str | None = None) -> str:
        """The address for the frame. ``host`` is the host name that the person's browser uses for the page,
        ``look`` its theme ("light" or "dark"), which the App takes over.

        Raises:
            ValueError: ``host`` is neither ``localhost`` nor ``127.0.0.1``.
        """
        if host not in ("localhost", "127.0.0.1"):
            raise ValueError(host)
        to = "/" if dataset is None else "/datasets/" + quote(dataset, safe="")
        query = {"t": self.token, "to": to} | ({"look": look} if look in LOOKS else {})
        return f"http://{host}:{self.port}/__enter?{urlencode(query)}"

    def _ask(
        self, method: str, what: str, content: dict[str, Any] | None = None, *, timeout: float = _TIMEOUT
    ) -> dict[str, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        body = None if content is None else json.dumps(content)
        headers = {TOKEN_HEADER: self.token, "Content-Type": "application/json"}
        try:
            connection.request(method, f"/__labelloop/{what}", body, headers)
            response = connection.getresponse()
            text = response.read()
            answer = json.loads(text) if response.getheader("content-type") == "application/json" else {}
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise ServiceFailed("The FiftyOne server does not answer; it may still be starting.") from error
        finally:
            connection.close()
        if response.status != http.client.OK:
            raise ServiceFailed(answer.get("sentence") or f"The FiftyOne server refused ({response.status}).")
        return dict(answer)
