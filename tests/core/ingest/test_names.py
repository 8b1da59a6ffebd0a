"""Names and labels of every kind come through listing, layout, table, archive and store as they were written."""

import csv
import io
import json
import os
import tempfile
import unicodedata
import zipfile
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from core.generators.folders import why_skipped
from core.ingest.importer import import_folder
from core.ingest.listing import IGNORED_FILES, IGNORED_FOLDERS
from core.ingest.readers import Readers
from core.ingest.readings import SPLIT_NAMES, Reading
from core.ingest.sources import recognise
from core.ingest.tables import read_table
from core.store.base import FRAME_COLUMNS
from core.store.memory import MemoryStore

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")

RESERVED = [
    *("CON", "nul", "aux.txt", "COM1", "a.", "a..", " a", "a ", " ", "~", "-rf", "%2e%2e", "a\\b", "\x85", "\u2028"),
    *("<b>", "=1+1", "'", '"', "a\nb", "a\rb", "e\u0301", "\u00e9", "\u202egnp", "NaN", "null", "1e5", "0012"),
]


def _usable(name):
    hidden = name.startswith(".") or name.lower() in IGNORED_FOLDERS | IGNORED_FILES
    return not hidden and len(name.encode()) < 100


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/\0"), min_size=1, max_size=24)
NAMES = st.one_of(st.sampled_from(RESERVED), TEXT).filter(_usable)
LABELS = NAMES.filter(lambda name: name.lower() not in SPLIT_NAMES and not why_skipped([name, "x.png"]))
# folder -> files in it; two folders at least, since a lone one may be a wrapper
TREES = st.dictionaries(LABELS, st.lists(NAMES, min_size=1, max_size=3, unique=True), min_size=2, max_size=3)


def _pixel():
    buffer = io.BytesIO()
    Image.new("RGB", (2, 2)).save(buffer, "PNG")
    return buffer.getvalue()


PIXEL = _pixel()


def _expected(tree):
    return {f"{label}/{name}.png": label for label, names in tree.items() for name in names}


def _said(preview):
    return {os.path.relpath(file.filepath, preview.root): file.label for file in preview.files}


@pytest.fixture(scope="module")
def readers(tmp_path_factory):
    with Readers(tmp_path_factory.mktemp("thumbs"), count=1) as started:
        yield started


@given(tree=TREES)
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_folders_and_files_of_any_name_come_back_from_the_store(readers, tree):
    expected = _expected(tree)
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch).resolve() / "images"
        for name in expected:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(PIXEL)
        preview = recognise(root, Reading(layout="class folders"))
        assert _said(preview) == expected
        assert preview.skipped == ()
        assert set(preview.classes) == set(tree)
        store = MemoryStore()
        import_folder(
            store,
            preview,
            existing=pd.DataFrame({column: pd.Series(dtype=object) for column in FRAME_COLUMNS}),
            open_dataset=lambda classes: store.create("pets", classes).id,
            thumbnail_folder=Path(scratch),
            seed=0,
            frozen_test=False,
            progress=lambda done, total: None,
            spool_folder=Path(scratch) / "spool",
            readers=readers,
        )
        frame = store.frame(store.dataset("pets").id)
        held = {os.path.relpath(path, root): label for path, label in zip(frame.filepath, frame.label, strict=True)}
        assert held == expected
        assert set(store.dataset("pets").classes) == set(tree)


@given(tree=TREES)
@settings(deadline=None, max_examples=60)
def test_members_of_any_name_are_listed_once_under_their_folder(tree):
    """Backslashes part folders in archives, and letters with accents are put together: the rest is as it was."""
    expected = _expected(tree)
    with tempfile.TemporaryDirectory() as scratch:
        archive = Path(scratch) / "a.zip"
        with zipfile.ZipFile(archive, "w") as file:
            for name in expected:
                file.writestr(name, PIXEL)
        plain = {name: label for name, label in expected.items() if _is_plain(name)}
        found = _said(recognise(archive, Reading(layout="class folders"), uploads=Path(scratch) / "uploads"))
        assert {name: found.get(name) for name in plain} == plain
        assert not any(part in ("", ".", "..") for name in found for part in name.split("/"))


def _is_plain(name):
    return "\\" not in name and unicodedata.normalize("NFC", name) == name and name[1:2] != ":"


ROWS = st.dictionaries(NAMES.map(lambda name: f"{name}.png"), NAMES.filter(str.strip), min_size=1, max_size=5)


@given(rows=ROWS, form=st.sampled_from(["csv", "tsv", "jsonl", "parquet"]))
@settings(deadline=None, max_examples=150)
def test_paths_and_labels_of_any_kind_come_back_from_a_table(rows, form):
    table = read_table(f"labels.{form}", _table(rows, form))
    assert {row.path: row.label for row in table.rows} == {path: label.strip() for path, label in rows.items()}
    assert table.problems == ()


def _table(rows, form):
    if form == "parquet":
        buffer = io.BytesIO()
        pq.write_table(pa.table({"file_name": list(rows), "label": list(rows.values())}), buffer)
        return buffer.getvalue()
    if form == "jsonl":
        lines = [json.dumps({"file_name": path, "label": label}, ensure_ascii=False) for path, label in rows.items()]
        return "\n".join(lines).encode()
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter="\t" if form == "tsv" else ",", quoting=csv.QUOTE_ALL)
    writer.writerows([("file_name", "label"), *rows.items()])
    return text.getvalue().encode()
