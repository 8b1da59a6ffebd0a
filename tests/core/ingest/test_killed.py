"""An import that is killed at any moment is finished by running it again, with the same result."""

import shutil
import subprocess
import sys

import pytest

from core.store.mongo import MongoStore


@pytest.fixture
def folder(tmp_path, picture):
    root = tmp_path / "images"
    for label in range(2):
        for number in range(10):
            picture(root / ["cats", "dogs"][label] / f"{number}.png", seed=label * 100 + number)
    return root


KILLED = """
import os, sys
from pathlib import Path
import pandas as pd
from core.ingest import importer, spool
from core.ingest.sources import recognise
from core.store.base import FRAME_COLUMNS
from core.store.mongo import MongoStore

folder, work, uri, database, when = sys.argv[1:]
store = MongoStore(uri, database)
names = store.names()
empty = pd.DataFrame({column: pd.Series(dtype=object) for column in FRAME_COLUMNS})
existing = store.frame(store.dataset("pets").id) if names else empty

def die(*_):
    os.kill(os.getpid(), 9)

def progress(done, total):
    if when == "reading" and done == total // 2:
        die()

if when == "planned":
    spool.Spool.carry_out = die
if when == "writing":
    spool.CHUNK = 7
    whole, calls = store.insert, []
    def insert(*arguments):
        calls.append(1)
        return die() if len(calls) == 3 else whole(*arguments)
    store.insert = insert
if when == "stored":
    spool.Spool.clear = die
report = importer.import_folder(
    store, recognise(folder), existing=existing, open_dataset=lambda classes: store.create("pets", classes).id,
    thumbnail_folder=Path(work) / "thumbs", seed=3, frozen_test=False, progress=progress,
    spool_folder=Path(work) / "spool",
)
"""


@pytest.mark.parametrize("when", ["reading", "planned", "writing", "stored"])
def test_an_import_that_was_killed_is_finished_by_the_next_with_the_same_result(
    folder, tmp_path, mongo_store, database_uri, when
):
    """The dataset is the same as that of an import which nobody killed: paths, labels, splits, contents."""

    def run(work, database, moment):
        arguments = [str(folder), str(tmp_path / work), database_uri, database, moment]
        return subprocess.run([sys.executable, "-c", KILLED, *arguments], check=False).returncode

    shutil.copy(folder / "cats" / "0.png", folder / "dogs" / "copy.png")
    killed = mongo_store._db.name
    assert run("a", killed, when) == -9
    assert run("a", killed, "never") == 0
    whole = MongoStore(database_uri, f"{killed}whole")
    try:
        assert run("b", f"{killed}whole", "never") == 0
        columns = ["filepath", "label", "split", "content_hash"]
        found, wanted = (
            store.frame(store.dataset("pets").id)[columns].sort_values("filepath", ignore_index=True)
            for store in (mongo_store, whole)
        )
        assert len(found) == 21
        assert found.equals(wanted)
    finally:
        whole._client.drop_database(f"{killed}whole")
        whole.close()
