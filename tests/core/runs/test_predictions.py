"""Predictions on disk and in memory: nothing is lost, and nothing large lies in memory twice."""

import json
import subprocess
import sys

import numpy as np
import pytest

from core.runs import kept, predictions

# Reads a file in a process of its own; says how much more than the probabilities it ever held for that, in MB.
_READS = """
import json, sys
from pathlib import Path
import numpy as np
from core.runs import predictions
def held(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1]) / 1024
before = held("VmRSS:")
found = predictions.read(Path(sys.argv[1]))
size = found.probabilities.nbytes / 2**20
print(json.dumps({"size": size, "most": held("VmHWM:") - before - size, "left": held("VmRSS:") - before - size}))
"""


def table(samples=12, classes=("a", "b"), seed=0):
    random = np.random.default_rng(seed)
    rows = random.random((samples, len(classes)), dtype=np.float32)
    return predictions.make(
        classes=classes,
        sample_id=[f"{at:024x}" for at in range(samples)],
        split=[("train", "val", "test", "train")[at % 4] for at in range(samples)],
        label=[(None, *classes)[at % (len(classes) + 1)] for at in range(samples)],
        probabilities=rows / rows.sum(axis=1, keepdims=True),
        out_of_fold=np.arange(samples) % 2 == 0,
    )


def same(one, other):
    columns = ("sample_id", "split", "label", "probabilities", "out_of_fold", "chosen", "confidence")
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in columns)


@pytest.fixture
def nothing_kept():
    kept._whole.clear()
    kept._answers.clear()


def test_what_is_written_is_read_in_its_order(tmp_path):
    written = table()
    predictions.write(tmp_path / "p.parquet", written)
    assert same(predictions.read(tmp_path / "p.parquet"), written)


@pytest.mark.usefixtures("nothing_kept")
def test_a_split_of_what_is_kept_is_no_copy(tmp_path):
    written = table()
    predictions.write(tmp_path / "p.parquet", written)
    found = kept.read(tmp_path / "p.parquet")
    for split in ("train", "val", "test"):
        part = found.where(split)
        assert same(part, written.where(split))
        assert np.shares_memory(part.probabilities, found.probabilities)
    assert len(found.where("nowhere")) == 0


@pytest.mark.usefixtures("nothing_kept")
def test_runs_of_one_dataset_share_what_they_have_in_common(tmp_path):
    for name, one in (("one", table()), ("other", table(seed=1)), ("longer", table(13))):
        predictions.write(tmp_path / name, one)
    one, other, longer = (kept.read(tmp_path / name) for name in ("one", "other", "longer"))
    assert one.sample_id is other.sample_id
    assert one.answers.label is other.answers.label
    assert same(other, predictions.read(tmp_path / "other", by_split=True))
    assert same(longer, predictions.read(tmp_path / "longer", by_split=True))


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_reading_takes_little_more_memory_than_the_probabilities(tmp_path):
    """Held until the end, or read at once, it would be twice as much more."""
    path = tmp_path / "p.parquet"
    predictions.write(path, table(40_000, tuple(f"c{at}" for at in range(1200))))
    done = subprocess.run([sys.executable, "-c", _READS, str(path)], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert found["size"] > 180
    assert found["most"] < 200, found
    assert found["left"] < 150, found
