"""Pictures of noise, and texts hidden in the lowest bits of their pixels."""

import gzip
import io
import struct

import numpy as np
from PIL import Image


def pixels(mode="RGB", size=(64, 48)):
    rng = np.random.default_rng(5)
    return Image.fromarray(rng.integers(0, 255, (size[1], size[0], len(mode)), dtype=np.uint8), mode)


def stealth(text, signature=b"stealth_pngcomp", mode="RGBA"):
    """A PNG with bits down the columns, most significant first, in alpha or in red, green, blue."""
    raw = text.encode()
    if signature.endswith(b"comp"):
        raw = gzip.compress(raw)
    message = signature + struct.pack(">I", len(raw) * 8) + raw
    bits = np.unpackbits(np.frombuffer(message, np.uint8))
    grid = np.array(pixels(mode, (128, 96)))
    channels = grid[:, :, 3:] if signature.startswith(b"stealth_png") else grid[:, :, :3]
    flat = channels.transpose(1, 0, 2).reshape(-1).copy()
    flat[: len(bits)] = flat[: len(bits)] & 0xFE | bits
    depth = channels.shape[2]
    channels[:] = flat.reshape(grid.shape[1], grid.shape[0], depth).transpose(1, 0, 2)
    out = io.BytesIO()
    Image.fromarray(grid, mode).save(out, "PNG")
    return out.getvalue()
