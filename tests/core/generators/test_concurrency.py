"""No image ever gets another's prompt: eight threads, and eight processes, on tagged and plain files mixed."""

import multiprocessing
import random
from concurrent.futures import ThreadPoolExecutor

import pytest

from core.generators import read


def _check(job):
    data, seed = job
    found = read(data)
    return (None if found is None else (found.seed, found.prompt)) == (None if seed is None else (seed, f"dog {seed}"))


@pytest.fixture(scope="module")
def jobs(write):
    made = []
    for number in range(400):
        text = f"dog {number}\nNegative prompt: cat\nSteps: 20, Sampler: Euler, Seed: {number}, Size: 8x8"
        block = write.tiff(sub=[write.user_comment(text)])
        kinds = (
            lambda text=text: (write.png({"parameters": text}), True),
            lambda block=block: (write.jpeg(exif=block), True),
            lambda block=block: (write.webp(exif=block), True),
            lambda: (write.jpeg(), False),
            lambda: (write.png(), False),
        )
        data, tagged = kinds[number % 5]()
        made.append((data, str(number) if tagged else None))
    many = made * 10
    random.Random(3).shuffle(many)
    return many


def test_eight_threads(jobs):
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(_check, jobs))


def test_eight_processes(jobs):

    # the worker function lives in a module that a spawned process cannot import by name here, so these are forked
    context = multiprocessing.get_context("fork")
    with context.Pool(8) as pool:
        assert all(pool.map(_check, jobs[:1600], chunksize=50))
