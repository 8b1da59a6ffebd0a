"""Kills with -9 while labels stream in: is every acknowledged decision there, agrees the label with the journal?

    python benchmarks/durability.py [--kills 500] [--people 4] [--seed 0] [--seconds 240]

The process that is killed is a dashboard without its pages: the product's own HTTP routes, workspace and store, forked
from a process that has imported them, so that 500 lives fit into minutes. Killed are, at random moments, this
process, mongod, and both; and, at each named step between journal, label and answer, this process by its own hand
(core.review.writing.FAIL_POINT). Meanwhile several people send decisions over HTTP and send again, with the same
token, whatever was not answered: what a browser does. They relabel one image or three at once, exclude one and bring it
back, and now and then take back their last decision or do it again.

Checked at the end, after recovery: every acknowledged decision is in the journal as applied, once; each sample's label,
and whether it is excluded, is what its last applied entry wrote; each entry found what the one before it had left; what
was taken back is marked so, and nothing else is; nothing is pending.
"""

import argparse
import hashlib
import http.client
import itertools
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from core.domain.samples import NewSample
from core.review import recovery, writing
from core.runs.layout import WorkspacePaths
from core.services import mongod
from core.store.mongo import MongoStore

CLASSES = ("cat", "dog", "bird", "fish")
SAMPLES = 400
STEPS = ("journal", "label", "mark", "settle", "answer")
PATIENCE = 60.0  # seconds until a killed part must answer again


def main() -> None:
    """Kill, check, print one line a kind of kill."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--people", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop killing after so long, then check")
    parser.add_argument("--mother", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.mother:
        _mother()
        return
    with tempfile.TemporaryDirectory(prefix="durability-") as folder:
        _run(Path(folder) / "ws", options)


def _run(root: Path, options: argparse.Namespace) -> None:
    chance = random.Random(options.seed)
    os.environ["LABELLOOP_WORKSPACE"] = str(root)
    paths = WorkspacePaths(root)
    root.mkdir(parents=True)
    database = mongod.attach_or_start(paths)
    store = MongoStore(database.uri, mongod.DATABASE)
    info = store.create("kills", CLASSES)
    samples = [
        NewSample(
            f"/{at}.png", "cat", "train", hashlib.sha256(str(at).encode()).hexdigest(), 1, 1, 8, 8, "image/png", "/"
        )
        for at in range(SAMPLES)
    ]
    ids = store.insert(info.id, samples)
    service = _Service()
    service.start()
    people = [
        _Person(f"p{n}", service.port, info.id, ids[n :: options.people], options.seed + n)
        for n in range(options.people)
    ]
    for person in people:
        person.start()
    began, done = time.monotonic(), Counter[str]()
    kinds = ["dashboard"] * 4 + ["step"] * 3 + ["mongod"] * 2 + ["both"]
    try:
        while sum(done.values()) < options.kills and time.monotonic() - began < options.seconds:
            kind = chance.choice(kinds)
            step = chance.choice(STEPS) if kind == "step" else ""
            if step:
                service.kill()
                service.start(step)  # dies by its own hand at the first decision
                service.wait_dead()
                kind = f"at '{step}'"
            else:
                before = sum(person.acknowledged for person in people)
                _until(lambda before=before: sum(person.acknowledged for person in people) > before + 3)
                time.sleep(chance.uniform(0.0, 0.06))
                if kind in ("mongod", "both"):
                    _kill_mongod(paths)
                if kind in ("dashboard", "both"):
                    service.kill()
            if kind in ("mongod", "both"):
                database.revive()
            if not service.alive():
                service.start()
            done[kind] += 1
    finally:
        for person in people:
            person.stopping.set()
        for person in people:
            person.join(PATIENCE * 2)
        service.kill()
        service.end()
    seconds = time.monotonic() - began
    recovery.recover(store, older_than=0.0)
    problems = _check(store, info.id, people)
    for kind, count in sorted(done.items()):
        print(f"{count:5} kills: {kind}")
    total = sum(person.acknowledged for person in people)
    again = sum(person.sent_again for person in people)
    print(f"{sum(done.values()):5} kills in {seconds:.0f} s; {total:,} decisions acknowledged, {again:,} sent again")
    for name, found in problems.items():
        print(f"{len(found):5} {name}" + (f", e.g. {found[:3]}" if found else ""))
    store.close()
    database.stop()
    sys.exit(1 if any(problems.values()) else 0)


def _check(store: MongoStore, dataset_id: str, people: list["_Person"]) -> dict[str, list[str]]:
    entries = store.journal(dataset_id, limit=None)[::-1]
    by_token = Counter(entry.token for entry in entries)
    known = {entry.token: entry for entry in entries}
    of_sample = defaultdict(list)
    for entry in entries:
        of_sample[entry.sample_id].append(entry)
    frame = store.frame(dataset_id)
    now = dict(zip(frame["sample_id"], zip(frame["label"], frame["excluded"], strict=True), strict=True))
    acknowledged = [(token, label) for person in people for token, label in person.saved.items()]
    last = {sample: seen for person in people for sample, seen in person.shown.items()}
    taken = {entry.undoes or entry.redoes for entry in entries} - {None}
    batches = {entry.batch for entry in entries}
    return {
        "acknowledged and not in the journal": [t for t, _ in acknowledged if t not in known],
        "acknowledged with another label than journalled": [
            t for t, label in acknowledged if t in known and known[t].new != label
        ],
        "undone or done again, acknowledged, and not in the journal": [
            batch for person in people for batch in person.turned if batch not in batches
        ],
        "applied twice": [token for token, count in by_token.items() if count > 1],
        "taken back twice": [
            one for one, count in Counter(e.undoes or e.redoes for e in entries).items() if one and count > 1
        ],
        "taken back and not marked so, or marked so and not taken back": [
            entry.id for entry in entries if entry.undone != (entry.id in taken)
        ],
        "samples that are not what the journal wrote last": [
            sample for sample, mine in of_sample.items() if now[sample] != (mine[-1].new, mine[-1].excluded)
        ],
        "samples that are not what was acknowledged last": [
            sample for sample, seen in last.items() if now[sample] != seen
        ],
        "entries that did not follow on the one before": [
            b.id
            for mine in of_sample.values()
            for a, b in itertools.pairwise(mine)
            if (a.new, a.excluded) != (b.old, b.was_excluded)
        ],
        "left pending": [entry.id for entry in store.journal_pending()],
    }


@dataclass
class _Person(threading.Thread):
    """Somebody who decides on their own images one after the other, and sends again what was not answered.

    ``saved`` has the labels by token, ``shown`` the label and whether it is excluded by sample, as they were told last;
    ``turned`` the names of what was undone and done again.
    """

    who: str
    port: int
    dataset: str
    ids: list[str]
    seed: int
    saved: dict[str, str] = field(default_factory=dict)
    shown: dict[str, tuple[str, bool]] = field(default_factory=dict)
    turned: list[str] = field(default_factory=list)
    acknowledged: int = 0
    sent_again: int = 0

    def __post_init__(self) -> None:
        super().__init__(daemon=True)
        self.stopping = threading.Event()

    __hash__ = threading.Thread.__hash__

    def run(self) -> None:
        chance, made, undone = random.Random(self.seed), "", ""  # what can be taken back, what can be done again
        while not self.stopping.is_set():
            if made and chance.random() < 0.2:
                going, made, undone = made, "", uuid.uuid4().hex
                going_on = self._turn("undo", going, undone)
            elif undone and chance.random() < 0.5:
                going, made, undone = undone, uuid.uuid4().hex, ""
                going_on = self._turn("redo", going, made)
            else:
                made, undone = uuid.uuid4().hex, ""
                going_on = self._decide(chance, made)
            if not going_on:
                return

    def _decide(self, chance: random.Random, batch: str) -> bool:
        decisions = []
        for sample in chance.sample(self.ids, chance.choice((1, 1, 1, 3))):
            seen, excluded = self.shown.get(sample, ("cat", False))
            label = chance.choice([name for name in CLASSES if name != seen])
            one = {"sample": sample, "seen": seen, "token": uuid.uuid4().hex, "excluded": excluded}
            hides = chance.random() < 0.2
            kind = ("restore" if excluded else "exclude") if hides else "relabel"
            decisions.append({**one, "kind": kind, "label": seen if hides else label})
        body = {"dataset": self.dataset, "queue": "kills", "batch": batch, "decisions": decisions}
        answer = self._send("decide", body)
        if answer is None:
            return False
        for decision, outcome in zip(decisions, answer["outcomes"], strict=True):
            assert outcome["saved"], outcome  # nobody else touches these images
            self.saved[decision["token"]] = decision["label"]
            self.shown[decision["sample"]] = (outcome["label"], outcome["excluded"])
        self.acknowledged += len(decisions)
        return True

    def _turn(self, kind: str, batch: str, named: str) -> bool:
        """Take back a batch, or do again what was taken back; the answer is the same however often it is sent."""
        answer = self._send(kind, {"dataset": self.dataset, "batch": batch, "named": named})
        if answer is None:
            return False
        assert answer["outcomes"], (kind, batch)
        for outcome in answer["outcomes"]:
            assert outcome["saved"], outcome
            self.shown[outcome["sample"]] = (outcome["label"], outcome["excluded"])
        self.turned.append(named)
        self.acknowledged += len(answer["outcomes"])
        return True

    def _send(self, route: str, body: dict) -> dict | None:
        text, tries, deadline = json.dumps(body), 0, time.monotonic() + 10 * PATIENCE
        host = f"127.0.0.1:{self.port}"
        headers = {"Content-Type": "application/json", "Origin": f"http://{host}", "Host": host}
        while time.monotonic() < deadline:
            self.sent_again += tries > 0
            tries += 1
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=15)
            try:
                connection.request("POST", f"/api/{route}", text, headers)
                reply = connection.getresponse()
                answer = json.loads(reply.read())
                if reply.status == http.client.OK:
                    return answer
                assert reply.status >= 500, answer
            except (OSError, http.client.HTTPException, ValueError):
                pass
            finally:
                connection.close()
            time.sleep(0.1)
        return None


class _Service:
    """The process that is killed, forked anew from one that has everything imported."""

    def __init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._mother = subprocess.Popen(
            [sys.executable, __file__, "--mother"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._pid = 0

    def start(self, step: str = "") -> None:
        self._say(f"start {self.port} {step or '-'}")
        if not step:
            _until(self.answers)

    def kill(self) -> None:
        if self.alive():
            os.kill(self._pid, signal.SIGKILL)
        self._say("reap")

    def wait_dead(self) -> None:
        _until(lambda: not self.alive())

    def alive(self) -> bool:
        self._say("look")
        return self._pid > 0

    def answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
        try:
            connection.request("GET", "/api/alive")
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def end(self) -> None:
        self._mother.stdin.close()
        self._mother.wait(PATIENCE)

    def _say(self, words: str) -> None:
        self._mother.stdin.write(words + "\n")
        self._mother.stdin.flush()
        self._pid = int(self._mother.stdout.readline())


def _mother() -> None:
    """Fork a server when told to; answer with the pid of the one that lives, 0 for none."""
    import uvicorn
    from starlette.applications import Starlette

    from dashboard import api

    pid = 0
    for line in sys.stdin:
        words = line.split()
        if words[0] == "start":
            pid = os.fork()
            if pid == 0:
                os.environ.pop(writing.FAIL_POINT, None)
                if words[2] != "-":
                    os.environ[writing.FAIL_POINT] = words[2]
                app = Starlette(routes=api.routes())
                uvicorn.run(app, host="127.0.0.1", port=int(words[1]), log_level="critical", access_log=False)
                os._exit(0)
        elif pid:
            found, _ = os.waitpid(pid, 0 if words[0] == "reap" else os.WNOHANG)
            pid = 0 if found else pid
        print(pid, flush=True)
    if pid:
        os.kill(pid, signal.SIGKILL)


def _kill_mongod(paths: WorkspacePaths) -> None:
    address = json.loads((paths.database / "address.json").read_text())
    os.kill(int(address["pid"]), signal.SIGKILL)


def _until(condition) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(condition)
        time.sleep(0.01)


if __name__ == "__main__":
    main()
