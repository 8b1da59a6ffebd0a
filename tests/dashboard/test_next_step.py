import pytest

from core.domain.samples import DatasetInfo
from core.workspace import StaleMeter
from dashboard.next_step import choose


def dataset(**labels):
    counts = {None if name == "none" else name: count for name, count in labels.items()}
    total = sum(counts.values())
    classes = tuple(name for name in counts if name)
    return DatasetInfo("0" * 24, "zoo", classes, total, counts, {"train": total}, ())


def meter(run="run-7", changed=0, added=0):
    return StaleMeter(run=run, labels_changed=changed, added=added, removed=0, in_test=0, touched=changed + added)


BOTH = dataset(cat=10, dog=10)


@pytest.mark.parametrize(
    ("info", "stale", "suspicious", "wrong", "act", "title"),
    [
        (dataset(), meter(None), 0, 0, "import", "Import images"),
        (dataset(none=30), meter(None), 0, 0, "review", "Label 30 images"),
        (dataset(cat=1, none=1), meter(None), 0, 0, "review", "Label 1 image"),
        (dataset(cat=30), meter(None), 0, 0, "review", "Add a second class"),
        (BOTH, meter(None), 0, 0, "retrain", "Train a first model"),
        (BOTH, meter(), 5, 2, "review", "About 5 labels may be wrong"),
        (BOTH, meter(), 1, 2, "review", "About 1 label may be wrong"),
        (BOTH, meter(changed=3), 5, 2, "review", "About 5 labels may be wrong"),
        (BOTH, meter(changed=10), 5, 2, "retrain", "10 labels changed since run 7"),
        (BOTH, meter(changed=1), 0, 2, "retrain", "1 label changed since run 7"),
        (BOTH, meter(added=4), 0, 2, "retrain", "The images changed since run 7"),
        (dataset(cat=10, dog=10, none=4), meter(), 0, 2, "review", "4 images without a label"),
        (BOTH, meter(), 0, 2, "matrix", "run-7 gets 2 test images wrong"),
        (BOTH, meter(), 0, 0, "predict", "Try the model"),
    ],
)
def test_one_thing_is_worth_doing_now(info, stale, suspicious, wrong, act, title):
    step = choose(info, stale, suspicious=suspicious, wrong=wrong, split="test")
    assert (step.act, step.title) == (act, title)
    assert step.reason.endswith(".")
    assert (step.queue is not None) == (act == "review")


def test_errors_are_those_of_the_split_that_there_is():
    assert choose(BOTH, meter(), suspicious=0, wrong=2, split="val").title == "run-7 gets 2 val images wrong"
