"""A few files of a source before it is imported, read as an import reads them: in processes that may hang or die."""

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.domain.errors import ServiceFailed
from core.domain.generation import Generation
from core.images import thumbnails
from core.ingest.one_pass import Extras, generation_of
from core.ingest.readers import READER, Readers

PATIENCE = 5.0  # seconds for one file; an import waits longer
ENOUGH = 15.0  # seconds after which those that were not read are left out
_READERS = 2


@dataclass(frozen=True, slots=True)
class Example:
    """A file's thumbnail (a JPEG; b"" where it cannot be read) and what a generator says of its making."""

    thumbnail: bytes = b""
    generation: Generation | None = None


def read_examples(
    paths: Sequence[str], *, pixels: bool = True, patience: float = PATIENCE, program: Sequence[str] = READER
) -> list[Example]:
    """One for each path, in order. Without ``pixels`` only what generators wrote is read: quick, and no thumbnails."""
    found = [Example() for _ in paths]
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="labelloop-") as scratch:
        folder, extras = Path(scratch), Extras(measures=False, pixels=pixels)
        try:
            with Readers(folder, extras, count=_READERS, patience=patience, program=program) as readers:
                for at, record in readers.read(paths):
                    if "reason" not in record:  # the import will quarantine it and say why
                        small = thumbnails.path_of(folder, record["hash"]).read_bytes() if pixels else b""
                        found[at] = Example(small, generation_of(record))
                    if time.monotonic() - began > ENOUGH:
                        break
        except ServiceFailed:  # the import will say so
            return found
    return found
