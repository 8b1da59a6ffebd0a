"""Imports into a store in memory; reader processes that meet files which hang or kill their decoder."""

import sys

import pandas as pd
import pytest

from core.domain.errors import NotFound
from core.ingest.importer import import_folder
from core.ingest.sources import recognise
from core.store.base import FRAME_COLUMNS
from core.store.memory import MemoryStore

PROGRAM = """
import os, signal, sys, time
import core.ingest.one_pass as one_pass
from core.ingest.reader import main

real = one_pass.open_image

def hostile(data):
    if b"HANG" in data:
        time.sleep(600)
    if b"DIE" in data:
        os.kill(os.getpid(), signal.SIGSEGV)
    if b"HOG" in data:
        bytearray(1 << 40)
    return real(data)

one_pass.open_image = hostile
sys.exit(main())
"""


@pytest.fixture
def hostile_program(tmp_path):
    """The command of a reader whose decoder hangs on files that hold HANG, dies on DIE, takes all memory on HOG."""
    script = tmp_path / "hostile_reader.py"
    script.write_text(PROGRAM, encoding="utf-8")
    return [sys.executable, str(script)]


@pytest.fixture
def memory():
    return MemoryStore()


@pytest.fixture
def bring_in(memory, tmp_path):
    """``bring_in(folder)`` imports into "pets" and returns report and frame."""

    def run(folder, **options):
        try:
            info = memory.dataset("pets")
            existing = memory.frame(info.id)
        except NotFound:
            existing = pd.DataFrame({column: pd.Series(dtype=object) for column in FRAME_COLUMNS})
        report = import_folder(
            memory,
            recognise(folder),
            existing=existing,
            open_dataset=lambda classes: memory.create("pets", classes).id,
            thumbnail_folder=tmp_path / "thumbs",
            seed=0,
            progress=options.pop("progress", lambda done, total: None),
            **{"frozen_test": False, **options},
        )
        names = memory.names()
        return report.as_json(), memory.frame(memory.dataset("pets").id) if names else None

    return run
