"""What a spare process imports ahead of an instant run, so that the run itself starts at once. No torch."""

import tempfile
from pathlib import Path


def preload() -> None:
    """Import all that an instant run needs, what others import on first use too, and wake the algebra's threads."""
    import numpy as np
    import pandas as pd

    import core.training.__main__
    import core.training.instant  # noqa: F401
    from core.runs import predictions
    from core.training.head import fit

    noise = np.random.default_rng(0).normal(size=(64, 32)).astype(np.float32)
    names = [str(number) for number in range(64)]
    fitted = fit(noise, np.arange(64) % 2, 2, groups=names)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "warm.parquet"
        table = predictions.make(
            classes=("a", "b"), sample_id=names, split=names, label=names, probabilities=fitted.out_of_fold
        )
        predictions.write(path, table)
        pd.read_parquet(path).astype(object)
