"""What a spare process imports ahead of an instant run, so that the run itself starts at once. No torch."""


def preload() -> None:
    """Import all that an instant run needs and wake the linear algebra's threads."""
    import numpy as np
    import onnx  # noqa: F401
    import pandas as pd  # noqa: F401
    import pyarrow.parquet  # noqa: F401

    import core.training.__main__
    import core.training.instant  # noqa: F401
    from core.training.head import fit

    noise = np.random.default_rng(0).normal(size=(64, 32)).astype(np.float32)
    fit(noise, np.arange(64) % 2, 2, groups=[str(i) for i in range(64)])
