"""Reader processes: every file has its own outcome, whatever another one does to its decoder."""

import hashlib
import io
import json
import os
import queue
import shutil
import struct
import sys
import time
import zlib

import pytest
from PIL import Image

from core.domain.errors import ServiceFailed
from core.images import reading, thumbnails
from core.images.reading import UnreadableImage, decode, open_image, pixels_of, read_stable
from core.ingest import reader
from core.ingest.one_pass import PLAIN, measures_of, read_image
from core.ingest.readers import Readers


@pytest.fixture
def pictures(tmp_path, picture):
    return [str(picture(tmp_path / f"{number:02}.png", seed=number)) for number in range(12)]


def read(readers, paths):
    return dict(readers.read(paths))


def test_each_file_is_read_once_with_all_that_is_known_of_it(tmp_path, pictures):
    with Readers(tmp_path / "thumbs") as readers:
        records = read(readers, pictures)
    assert sorted(records) == list(range(12))
    assert {(record["width"], record["height"], record["mime"]) for record in records.values()} == {
        (40, 30, "image/png")
    }
    for record in records.values():
        assert thumbnails.path_of(tmp_path / "thumbs", record["hash"]).is_file()
        assert tuple(measures_of(record)[["width", "height"]]) == (40, 30)


def test_a_decoder_that_hangs_dies_or_eats_all_memory_costs_one_file(tmp_path, pictures, hostile_program):
    bad = {}
    for word in ("HANG", "DIE", "HOG"):
        bad[word] = tmp_path / f"{word}.png"
        bad[word].write_bytes(word.encode())
    paths = [*pictures[:3], str(bad["HANG"]), *pictures[3:6], str(bad["DIE"]), str(bad["HOG"]), *pictures[6:]]
    with Readers(tmp_path / "thumbs", patience=3, program=hostile_program) as readers:
        records = read(readers, paths)
    assert len(records) == len(paths)
    reasons = {os.path.basename(paths[at]): record["reason"] for at, record in records.items() if "reason" in record}
    assert set(reasons) == {"HANG.png", "DIE.png", "HOG.png"}
    assert "took longer than 3 s" in reasons["HANG.png"]
    assert "decoder died (signal 11)" in reasons["DIE.png"]


def test_processes_that_cannot_start_are_one_sentence(tmp_path, pictures):
    with Readers(tmp_path, program=["/bin/false"]) as readers, pytest.raises(ServiceFailed, match="do not start"):
        read(readers, pictures)


def test_closing_leaves_no_process(tmp_path, pictures):
    readers = Readers(tmp_path / "thumbs", count=2)
    read(readers, pictures)
    processes = [one.process for one in readers._readers]
    readers.close()
    assert processes
    assert all(process.poll() is not None for process in processes)


def _grow(path):
    with open(path, "ab") as file:
        file.write(b"more")


def _shrink(path):
    os.truncate(path, os.stat(path).st_size - 4)


def _rewrite(path):
    data = path.read_bytes()
    with open(path, "r+b") as file:
        file.write(data)  # the same bytes: only its time says that somebody was at it


@pytest.fixture
def meanwhile(monkeypatch):
    """``meanwhile(path, change, times)``: the file is really changed between the read of its bytes and what follows."""

    def arrange(path, change, times):
        left, plain = [times], os.fdopen

        def fdopen(*arguments, **options):
            file = plain(*arguments, **options)
            read = file.read

            class Watched:
                def __enter__(self):
                    return self

                def __exit__(self, *_):
                    file.close()

                def read(self, size):
                    data = read(size)
                    if left[0]:
                        left[0] -= 1
                        change(path)
                    return data

            return Watched()

        monkeypatch.setattr(reading.os, "fdopen", fdopen)

    return arrange


@pytest.mark.parametrize("change", [_grow, _shrink, _rewrite])
def test_a_file_that_is_written_to_meanwhile_is_told(tmp_path, picture, meanwhile, change):
    path = picture(tmp_path / "1.png", seed=1)
    os.utime(path, ns=(1, 1))
    meanwhile(path, change, times=1)
    with pytest.raises(UnreadableImage, match="written to"):
        read_stable(path)
    assert read_stable(path)[1].st_mtime_ns == os.stat(path).st_mtime_ns


@pytest.mark.parametrize("times", [1, 2])
def test_a_file_that_is_written_to_is_tried_a_second_time(tmp_path, picture, meanwhile, times):
    path = picture(tmp_path / "1.png", seed=1)
    meanwhile(path, _grow, times=times)
    record = read_image(path, thumbnail_folder=tmp_path / "t", extras=PLAIN)
    if times == 1:
        assert record["hash"] == hashlib.sha256(path.read_bytes()).hexdigest()
        assert record["size"] == os.stat(path).st_size
    else:
        assert record == {"reason": "it was written to while it was read"}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes")
def test_a_pipe_that_takes_a_files_place_does_not_stop_anything(tmp_path):
    os.mkfifo(tmp_path / "1.png")
    began = time.monotonic()
    with Readers(tmp_path / "thumbs") as readers:
        records = read(readers, [str(tmp_path / "1.png"), str(tmp_path / "gone.png")])
    assert records[0]["reason"] == "it is not a regular file"
    assert records[1]["reason"] == "the file is gone"
    assert time.monotonic() - began < 50


def _jpeg(size=(640, 480), **options):
    buffer = io.BytesIO()
    image = Image.effect_noise(size, 60).convert("RGB")
    image.save(buffer, "JPEG", **options)
    return buffer.getvalue()


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"quality": 30, "optimize": True}], ids=str)
def test_a_scaled_decode_finds_the_damage_that_a_full_one_finds(options):
    """Import decodes a JPEG at the scale of its thumbnail; wherever the file breaks off, the verdict is the same."""
    whole = _jpeg(**options)
    for cut in range(300, len(whole), len(whole) // 40):
        broken = whole[:cut]
        assert _verdict(lambda data=broken: decode(data)) == _verdict(lambda data=broken: _scaled(data)), cut
    for at in range(700, len(whole), len(whole) // 40):  # a marker in the middle of the data
        broken = whole[:at] + b"\xff\xd9" + whole[at + 2 :]
        assert _verdict(lambda data=broken: decode(data)) == _verdict(lambda data=broken: _scaled(data)), at


def _scaled(data):
    image = open_image(data)
    return pixels_of(image, thumbnails.decode_size(*image.size))


def _verdict(work):
    try:
        work()
    except UnreadableImage:
        return "bad"
    return "good"


def test_a_bomb_by_pixels_is_refused_by_its_header(tmp_path):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    body = chunk(b"IDAT", zlib.compress(bytes(10**7), 9)) + chunk(b"IEND", b"")
    (tmp_path / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + body)
    with Readers(tmp_path / "thumbs") as readers:
        assert "pixels" in read(readers, [str(tmp_path / "bomb.png")])[0]["reason"]


def test_names_of_every_kind_reach_their_reader(tmp_path, picture, hostile_names):
    made = picture(tmp_path / "one.png", seed=1)
    paths = []
    for name in hostile_names:
        target = tmp_path / "names" / f"{name}.png"
        target.parent.mkdir(exist_ok=True)
        shutil.copy(made, target)
        paths.append(str(target))
    with Readers(tmp_path / "thumbs") as readers:
        records = read(readers, paths)
    assert len(records) == len(paths)
    assert not [record for record in records.values() if "reason" in record]


def test_the_next_files_are_fetched_from_the_disk_whatever_lies_at_their_paths(tmp_path, monkeypatch):
    image, pipe = tmp_path / "1.png", tmp_path / "2.png"
    image.write_bytes(b"pixels")
    os.mkfifo(pipe)  # which nobody writes to: to open it must not wait
    paths = [image, pipe, tmp_path, tmp_path / "gone.png", tmp_path / "nul\0l.png", image]
    monkeypatch.setattr(sys, "stdin", io.StringIO("".join(json.dumps(str(path)) + "\n" for path in paths)))
    fetched = []
    monkeypatch.setattr(os, "posix_fadvise", lambda descriptor, *_: fetched.append(os.fstat(descriptor).st_size))
    asked = queue.SimpleQueue()
    reader._fetch_ahead(asked)
    assert [asked.get() for _ in range(asked.qsize())] == [*paths, None]
    assert fetched.count(len(b"pixels")) == 2
