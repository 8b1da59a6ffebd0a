"""What generators wrote into files: how many a second, and whether any image ever gets another's prompt.

Files of five kinds (infotext in PNG, JPEG and WebP, a ComfyUI graph of 60 nodes, Fooocus JSON), a third of them
without any metadata, are written once and read back from disk by threads and by processes. The peer is Pillow alone,
which opens each file and loads its texts without understanding them.

    python benchmarks/metadata.py [--files 3000]
"""

import argparse
import io
import json
import os
import random
import struct
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from core.generators import read

SIDE = 512


def main() -> None:
    """Print files a second by way, and the number of wrong answers."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--files", type=int, default=3_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        files = make(Path(folder), options.files, options.seed)
        megabytes = sum(path.stat().st_size for path, _ in files) / 2**20
        print(f"{len(files):,} files, {megabytes:,.0f} MB, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
        answer(files[:200])
        rates = {}
        for name, run in (
            ("Pillow opens, texts loaded, one thread", lambda: peer(files)),
            ("one thread", lambda: answer(files)),
            ("eight threads", lambda: spread(ThreadPoolExecutor(8), files)),
            ("two processes", lambda: spread(ProcessPoolExecutor(2), files)),
            ("eight processes", lambda: spread(ProcessPoolExecutor(8), files)),
        ):
            started = time.perf_counter()
            wrong = run()
            rates[name] = len(files) / (time.perf_counter() - started)
            print(f"{name:42} {rates[name]:9,.0f} files/s   {wrong} wrong")


def make(folder: Path, count: int, seed: int) -> list[tuple[Path, str | None]]:
    """(path, the seed that its metadata names or None)."""
    rng, files = random.Random(seed), []
    pixels = np.random.default_rng(seed).integers(0, 255, (SIDE // 8, SIDE // 8, 3), dtype=np.uint8)
    image = Image.fromarray(pixels).resize((SIDE, SIDE))
    plain = {}
    for kind in ("PNG", "JPEG", "WEBP"):
        out = io.BytesIO()
        image.save(out, kind)
        plain[kind] = out.getvalue()
    for number in range(count):
        tagged = number % 3 != 2
        kind = ("PNG", "PNG", "PNG", "JPEG", "WEBP")[number % 5]
        path = folder / f"{number:06}.{kind.lower()}"
        path.write_bytes(written(image, kind, number) if tagged else plain[kind])
        files.append((path, str(number) if tagged else None))
    rng.shuffle(files)
    return files


def written(image: Image.Image, kind: str, number: int) -> bytes:
    """One tagged file."""
    out = io.BytesIO()
    text = (
        f"dog {number}\nNegative prompt: cat\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: {number}, Size: 512x512"
    )
    if kind == "PNG":
        info = PngInfo()
        key, value = (
            ("parameters", text),
            ("prompt", json.dumps(graph(number))),
            ("parameters", json.dumps({"prompt": f"dog {number}", "seed": str(number), "base_model": "x"})),
        )[number // 5 % 3]
        info.add_text(key, value)
        image.save(out, "PNG", pnginfo=info, compress_level=1)
    else:
        body = b"UNICODE\0" + text.encode("utf-16-be")
        directory = struct.pack("<HHHIII", 1, 0x8769, 4, 1, 26, 0)
        entry = struct.pack("<HHHIII", 1, 0x9286, 7, len(body), 44, 0)
        image.save(out, kind, exif=b"Exif\0\0II*\0" + struct.pack("<I", 8) + directory + entry + body)
    return out.getvalue()


def graph(number: int) -> dict[str, object]:
    """A ComfyUI graph of 60 nodes."""
    nodes: dict[str, object] = {
        str(n): {
            "class_type": "LoraLoader",
            "inputs": {"lora_name": f"l{n}", "strength_model": 1, "model": [str(n + 1), 0]},
        }
        for n in range(10, 60)
    }
    nodes["60"] = {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "base.safetensors"}}
    nodes["1"] = {
        "class_type": "KSampler",
        "inputs": {"seed": number, "steps": 20, "cfg": 7, "sampler_name": "euler", "scheduler": "normal", "denoise": 1,
                   "positive": ["2", 0], "negative": ["3", 0], "latent_image": ["4", 0], "model": ["10", 0]},
    }  # fmt: skip
    nodes["2"] = {"class_type": "CLIPTextEncode", "inputs": {"text": f"dog {number}"}}
    nodes["3"] = {"class_type": "CLIPTextEncode", "inputs": {"text": "cat"}}
    nodes["4"] = {"class_type": "EmptyLatentImage", "inputs": {"width": 512, "height": 512}}
    nodes["9"] = {"class_type": "SaveImage", "inputs": {"images": ["1", 0]}}
    return nodes


def answer(files: list[tuple[Path, str | None]]) -> int:
    """Read the files; how many gave another answer than what was written."""
    wrong = 0
    for path, seed in files:
        found = read(path.read_bytes())
        got = None if found is None else (found.seed, found.prompt)
        wrong += got != (None if seed is None else (seed, f"dog {seed}"))
    return wrong


def peer(files: list[tuple[Path, str | None]]) -> int:
    """Pillow's part of the work: open, texts, EXIF."""
    for path, _ in files:
        with Image.open(path) as image:
            if image.format == "PNG":
                image.text  # noqa: B018  (reads the chunks behind the pixels too)
            else:
                image.getexif().get_ifd(0x8769)
    return 0


def spread(pool: ThreadPoolExecutor | ProcessPoolExecutor, files: list[tuple[Path, str | None]]) -> int:
    """As :func:`answer`, by a pool."""
    with pool:
        return sum(pool.map(answer, [files[start : start + 50] for start in range(0, len(files), 50)]))


if __name__ == "__main__":
    main()
