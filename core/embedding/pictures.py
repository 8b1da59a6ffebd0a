"""From a file, or bytes, to upright RGB: what every network here sees first."""

import io
import warnings
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from core.domain.errors import BadInput

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "MPO")  # no format with a program in it or a record of hangs

Pixels = npt.NDArray[np.uint8]


def upright_rgb(source: Path | bytes, *, shorter_side: int) -> Image.Image:
    """Decode to RGB, turned as its EXIF says, transparent parts on white.

    A JPEG is decoded at the smallest of its built-in scales that leaves at least ``shorter_side`` pixels.

    Raises:
        BadInput: it is gone, or no image that can be read whole.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source, formats=FORMATS) as image:
                image.draft(None, (shorter_side, shorter_side))
                image.load()
                return _rgb(ImageOps.exif_transpose(image))
    except FileNotFoundError as error:
        raise BadInput("The file is gone.") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise BadInput("The image has too many pixels to be decoded safely.") from error
    except (OSError, ValueError, SyntaxError, EOFError, TypeError, KeyError, IndexError, OverflowError) as error:
        raise BadInput("The file cannot be read as an image.") from error  # Pillow's decoders raise all of these


def squared(source: Path | bytes, size: int, *, crop: float) -> Pixels:
    """The centre square of an image, ``crop`` of its shorter side, as uint8 (size, size, 3). Bicubic.

    Raises:
        BadInput: it is gone, or no image that can be read whole.
    """
    image = upright_rgb(source, shorter_side=round(size / crop))
    side = min(image.size) * crop
    left, top = (image.width - side) / 2, (image.height - side) / 2
    box = (left, top, left + side, top + side)
    return np.asarray(image.resize((size, size), Image.Resampling.BICUBIC, box=box))


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode == "RGB":
        return image
    if image.mode.startswith("I") or image.mode == "F":
        return _deep(image)
    if "A" in image.getbands() or "a" in image.getbands() or "transparency" in image.info:
        image = image.convert("RGBA")
        ground = Image.new("RGBA", image.size, "white")
        ground.alpha_composite(image)
        return ground.convert("RGB")
    return image.convert("RGB")


def _deep(image: Image.Image) -> Image.Image:
    """More than 8 bits a channel: scaled, not clipped, which would turn most of the picture white."""
    values = np.asarray(image).astype(np.float32)
    highest = float(np.nanmax(values, initial=0.0))
    if image.mode == "F":
        scale = 255.0 if highest <= 1.0 else 1.0 if highest <= 255 else 255.0 / highest
    else:
        scale = 255.0 / 65535 if highest <= 65535 else 255.0 / highest
    levels = np.clip(np.nan_to_num(values) * scale, 0, 255).astype(np.uint8)
    return Image.fromarray(levels).convert("RGB")
