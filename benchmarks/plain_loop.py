"""The peer of benchmarks/training.py: a network in a plain fp32 loop over a DataLoader, as torch's tutorial has it.

    python benchmarks/plain_loop.py SAMPLES.csv SIDE EPOCHS SEED LEARNING_RATE MODEL

Prints as JSON: images per second of training, seconds of processor an image, and the accuracy on the rows whose split
is "test".
"""

import csv
import json
import sys
import time
from pathlib import Path

import torch
import torchvision
from PIL import Image
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2

BATCH = 32
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def main(table: Path, side: int, epochs: int, seed: int, rate: float, model: str) -> None:
    """Train and score."""
    torch.manual_seed(seed)
    with table.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    classes = sorted({row["label"] for row in rows})
    parts = {split: Files([row for row in rows if row["split"] == split], classes, side) for split in ("train", "test")}
    network = built(model, len(classes), side)
    optimizer = torch.optim.AdamW(network.parameters(), lr=rate)
    criterion = torch.nn.CrossEntropyLoss()
    loader = DataLoader(parts["train"], batch_size=BATCH, shuffle=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=epochs * len(loader))
    began, processor = time.perf_counter(), time.process_time()
    for _ in range(epochs):
        network.train()
        for images, target in loader:
            optimizer.zero_grad()
            criterion(network(images), target).backward()
            optimizer.step()
            schedule.step()
    seconds, processor = time.perf_counter() - began, time.process_time() - processor
    network.eval()
    right = 0
    with torch.inference_mode():
        for images, target in DataLoader(parts["test"], batch_size=BATCH):
            right += int((network(images).argmax(dim=1) == target).sum())
    images = epochs * len(parts["train"])
    found = {"rate": images / seconds, "cost": processor / images, "accuracy": right / len(parts["test"])}
    print(json.dumps(found))


def built(model: str, classes: int, side: int) -> torch.nn.Module:
    """The network alone: torchvision's ResNet-18, or one of the two published ones."""
    if model == "resnet18":
        return torchvision.models.resnet18(weights=None, num_classes=classes)
    from core.training.convnets import HobbyCNN, SharedCNN

    return {"hobby-cnn": HobbyCNN, "shared-cnn": SharedCNN}[model](classes, image_size=side)


class Files(Dataset):
    """Image files as normalised tensors, with their class."""

    def __init__(self, rows: list[dict[str, str]], classes: list[str], side: int) -> None:
        self.files = [row["filepath"] for row in rows]
        self.target = [classes.index(row["label"]) for row in rows]
        self.transform = v2.Compose(
            [v2.Resize((side, side)), v2.ToImage(), v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN, STD)]
        )

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return self.transform(Image.open(self.files[index]).convert("RGB")), self.target[index]


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:5]), float(sys.argv[5]), sys.argv[6])
