"""Reader processes that meet files which hang or kill their decoder: a program around the real one."""

import sys

import pytest

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
