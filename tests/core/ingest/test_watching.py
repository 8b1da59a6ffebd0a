"""Which files of a watched folder are whole: by size and time, on a clock of the test's own."""

import itertools
import os

import pytest

from core.ingest.watching import PATIENCE, SETTLED, Watcher


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def watcher(tmp_path, clock):
    return Watcher(tmp_path, clock=clock)


def test_a_file_is_handed_out_once_it_has_settled(watcher, clock, tmp_path):
    (tmp_path / "1.png").write_bytes(b"whole")
    assert watcher.look() == []
    assert watcher.waiting == 1
    clock.now += SETTLED
    assert watcher.look() == [f"{tmp_path}/1.png"]
    watcher.taken(f"{tmp_path}/1.png")
    clock.now += 100
    assert watcher.look() == []
    assert watcher.waiting == 0


def test_a_generators_thumbnails_and_grids_are_not_handed_out(watcher, clock, tmp_path):
    """InvokeAI's outputs/images as it is: half of the files below it are thumbnails of the others."""
    made = "0a1b2c3d-0000-1111-2222-333344445555"
    (tmp_path / "thumbnails").mkdir()
    (tmp_path / f"{made}.png").write_bytes(b"whole")
    (tmp_path / "thumbnails" / f"{made}.webp").write_bytes(b"small")
    watcher.look()
    clock.now += SETTLED
    assert watcher.look() == [f"{tmp_path}/{made}.png"]


def test_a_file_that_grows_waits(watcher, clock, tmp_path):
    path = tmp_path / "deep" / "1.png"
    path.parent.mkdir()
    for part in (b"a", b"ab", b"abc"):
        path.write_bytes(part)
        assert watcher.look() == []
        clock.now += SETTLED
    assert watcher.look() == [str(path)]


def test_an_empty_file_waits(watcher, clock, tmp_path):
    (tmp_path / "1.png").touch()
    watcher.look()
    clock.now += PATIENCE
    assert watcher.look() == []
    assert watcher.waiting == 1


def test_what_cannot_be_read_is_tried_less_and_less_often_and_then_given_up(watcher, clock, tmp_path):
    path = tmp_path / "half.png"
    path.write_bytes(b"half")
    watcher.look()
    start, tries = clock.now, []
    for _ in range(200):
        clock.now += 0.5
        if watcher.look():
            tries.append(clock.now - start)
            if watcher.unreadable(str(path)):
                break
    assert tries[-1] >= PATIENCE
    assert len(tries) < 12
    gaps = [after - before for before, after in itertools.pairwise(tries)]
    assert gaps[:3] == sorted(gaps[:3])
    clock.now += 1000
    assert watcher.look() == []
    path.write_bytes(b"whole now")
    watcher.look()
    clock.now += SETTLED
    assert watcher.look() == [str(path)]


def test_what_is_known_is_not_handed_out_until_it_changes(watcher, clock, tmp_path):
    path = tmp_path / "1.png"
    path.write_bytes(b"known")
    stat = path.stat()
    watcher.know([(str(path), (stat.st_size, stat.st_mtime_ns))])
    watcher.look()
    clock.now += SETTLED
    assert watcher.look() == []
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns + 10**9))
    watcher.look()
    clock.now += SETTLED
    assert watcher.look() == [str(path)]


def test_a_file_that_goes_again_is_forgotten(watcher, tmp_path):
    (tmp_path / "1.png").write_bytes(b"x")
    watcher.look()
    (tmp_path / "1.png").unlink()
    assert watcher.look() == []
    assert watcher.waiting == 0


def test_a_folder_that_is_gone_is_told(tmp_path):
    with pytest.raises(OSError, match="No such file"):
        Watcher(tmp_path / "gone").look()
