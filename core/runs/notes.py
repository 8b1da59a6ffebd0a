"""What people add to a run: a note, a star, tags, put away. One small file in the run folder, ``notes.json``."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any

from filelock import FileLock

from core.domain.errors import BadInput
from core.runs.atomic import read_json, write_json
from core.runs.layout import RunPaths

LONGEST_NOTE = 10_000  # characters
LONGEST_TAG = 40
MOST_TAGS = 20


@dataclass(frozen=True, slots=True)
class Notes:
    """``archived`` runs are kept and left out of tables until they are asked for."""

    text: str = ""
    star: bool = False
    tags: tuple[str, ...] = ()
    archived: bool = False


def read(paths: RunPaths) -> Notes:
    """The notes of a run; a file that is missing or was spoilt by hand counts as none."""
    found = read_json(paths.notes)
    if not isinstance(found, dict):
        return Notes()
    tags = found.get("tags")
    return Notes(
        text=str(found.get("text") or ""),
        star=bool(found.get("star")),
        tags=tuple(str(tag) for tag in tags) if isinstance(tags, list) else (),
        archived=bool(found.get("archived")),
    )


def change(paths: RunPaths, **fields: Any) -> Notes:
    """Change some fields (those of :class:`Notes`) and leave the others as they are; two pages may do so at once.

    Raises:
        BadInput: a note or a tag that is too long, or too many tags.
    """
    if "tags" in fields:
        fields["tags"] = clean_tags(fields["tags"])
    if len(fields.get("text", "")) > LONGEST_NOTE:
        raise BadInput(f"A note has at most {LONGEST_NOTE:,} characters.")
    with FileLock(paths.folder / ".notes.lock", timeout=10):
        notes = replace(read(paths), **fields)
        write_json(paths.notes, asdict(notes))
    return notes


def clean_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """Tags without blanks around them, each once, in the order given.

    Raises:
        BadInput: one is too long or holds a comma or a line break, or there are too many.
    """
    found = tuple(dict.fromkeys(tag.strip() for tag in tags if tag.strip()))
    for tag in found:
        if len(tag) > LONGEST_TAG or "," in tag or not tag.isprintable():
            raise BadInput(f"A tag has at most {LONGEST_TAG} characters and no comma: {tag[:60]!r} cannot be one.")
    if len(found) > MOST_TAGS:
        raise BadInput(f"A run has at most {MOST_TAGS} tags.")
    return found
