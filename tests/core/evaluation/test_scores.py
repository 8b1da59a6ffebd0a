"""Figures equal to scikit-learn's on random and degenerate inputs; intervals that hold what they promise."""

import warnings

import numpy as np
import pytest
from sklearn import metrics as sk

from core.evaluation import intervals, metrics, scores
from core.evaluation.leave_one_out import without_one
from core.evaluation.matrix_scores import MatrixScores, of_cells
from core.runs import predictions as files


def predictions(true, probabilities, classes, **more):
    return files.make(
        classes=classes,
        sample_id=[f"{i:024x}" for i in range(len(true))],
        split=["test"] * len(true),
        label=[None if t is None else classes[t] for t in true],
        probabilities=np.asarray(probabilities, dtype=np.float32),
        **more,
    )


def scored(true, probabilities, classes):
    rows = predictions(true, probabilities, classes)
    return scores.score(rows, metrics.evaluate(rows)).overall


def softmax(logits):
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def by_scikit_learn(true, probabilities):
    pred, labels = probabilities.argmax(axis=1), np.arange(probabilities.shape[1])
    found = {
        "accuracy": sk.accuracy_score(true, pred),
        "balanced_accuracy": sk.balanced_accuracy_score(true, pred),
        "kappa": sk.cohen_kappa_score(true, pred),
        "mcc": sk.matthews_corrcoef(true, pred),
        "log_loss": sk.log_loss(true, probabilities, labels=labels),
    }
    for average in ("macro", "weighted"):
        p, r, f, _ = sk.precision_recall_fscore_support(true, pred, average=average, zero_division=0)
        found |= {f"{average}_precision": p, f"{average}_recall": r, f"{average}_f1": f}
    for k in (2, 3, 5):
        if k < len(labels):
            found[f"top_{k}_accuracy"] = sk.top_k_accuracy_score(true, probabilities, k=k, labels=labels)
    return found


def degenerate():
    random = np.random.default_rng(5)
    noise = softmax(random.normal(size=(30, 4))).astype(np.float32)
    certain = np.eye(4, dtype=np.float32)[random.integers(0, 4, 30)]
    yield "a class without samples", random.integers(0, 3, 30), noise
    yield "a class never predicted", random.integers(0, 4, 30), np.where(np.arange(4) == 2, 0, noise) + 1e-3
    yield "one label only", np.zeros(30, dtype=int), noise
    yield "one class predicted", random.integers(0, 4, 30), np.tile([0.7, 0.1, 0.1, 0.1], (30, 1))
    yield "all alike", np.zeros(30, dtype=int), np.tile([0.7, 0.1, 0.1, 0.1], (30, 1))
    yield "ties", random.integers(0, 4, 30), np.full((30, 4), 0.25)
    yield "some ties", random.integers(0, 4, 30), np.round(noise * 4) / 4 + 0.01
    yield "probabilities of 0 and 1", random.integers(0, 4, 30), certain
    yield "all right", certain.argmax(axis=1), certain
    yield "all wrong", (certain.argmax(axis=1) + 1) % 4, certain
    yield "one sample", np.array([2]), noise[:1]


CASES = {name: (true, rows) for name, true, rows in degenerate()}
for seed in range(12):
    generator = np.random.default_rng(seed)
    size, count = int(generator.integers(2, 200)), int(generator.integers(3, 9))
    CASES[f"random {seed}"] = (generator.integers(0, count, size), softmax(generator.normal(size=(size, count)) * 2))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("case", CASES)
def test_equals_scikit_learn(case):
    true, rows = CASES[case]
    rows = (rows / rows.sum(axis=1, keepdims=True)).astype(np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = by_scikit_learn(true, rows)
    found = scored(true.tolist(), rows, [f"c{i}" for i in range(rows.shape[1])])
    for name, value in expected.items():
        if np.isnan(value):
            assert found[name] is None, name
            continue
        assert found[name].value == pytest.approx(value, abs=2e-5), name
        assert found[name].low <= found[name].value <= found[name].high, name


def test_two_classes_and_no_label_and_no_samples():
    found = scored([0, 1, None, 1], [[0.9, 0.1], [0.2, 0.8], [0.5, 0.5], [0.7, 0.3]], ["a", "b"])
    assert found["accuracy"].value == pytest.approx(2 / 3)
    assert not any(name.startswith("top") for name in found)
    empty = scored([], np.zeros((0, 2)), ["a", "b"])
    assert set(empty.values()) == {None}


def test_per_class_intervals_hold_their_figures():
    rows = predictions([0] * 8 + [1] * 4, [[0.9, 0.1]] * 6 + [[0.2, 0.8]] * 6, ["a", "b"])
    a, b = scores.per_class(metrics.evaluate(rows))
    assert (a.recall.value, a.precision.value, a.support, a.predicted) == (0.75, 1.0, 8, 6)
    assert intervals.wilson(6, 8) == (a.recall.low, a.recall.high)
    assert b.f1.value == pytest.approx(0.8)
    assert b.f1.low < 0.8 < b.f1.high


def table(generator, classes, accuracy, skew):
    """The probability of each cell: classes of unequal frequency, each with its own errors."""
    weights = skew ** np.arange(classes)
    cells = np.zeros((classes, classes))
    for i in range(classes):
        own = float(np.clip(accuracy + generator.normal(0, 0.05), 0.2, 0.995))
        off = generator.dirichlet(np.ones(classes - 1)) * (1 - own)
        cells[i] = np.insert(off, i, own)
    return cells * (weights / weights.sum())[:, None]


@pytest.mark.parametrize(
    ("classes", "accuracy", "skew", "samples", "draws"),
    [
        (2, 0.9, 1, 400, 2000),
        (2, 0.97, 0.3, 300, 2000),  # two or three errors a class
        (3, 0.8, 0.5, 300, 2000),
        (10, 0.9, 0.8, 400, 2000),  # twelve images of the rarest class
        (10, 0.9, 1, 600, 2000),
        (100, 0.9, 1, 5000, 500),
    ],
)
def test_intervals_of_the_matrix_cover(classes, accuracy, skew, samples, draws):
    """Simulated: of many samples of a known truth, the 95 % interval holds it in 93 to 97 of 100 (the simulation's own
    error: 0.5 points, 1 where there are 500 draws)."""
    generator = np.random.default_rng(classes)
    cells = table(generator, classes, accuracy, skew)
    rows, columns = np.nonzero(cells)
    truth = of_cells(rows, columns, cells[rows, columns], classes).values
    inside = dict.fromkeys(MatrixScores.NAMES, 0)
    for matrix in generator.multinomial(samples, cells.ravel(), draws):
        for name, one in intervals.of_matrix(matrix.reshape(classes, classes)).items():
            inside[name] += one.low <= truth[name] <= one.high
    assert all(0.93 <= hits / draws <= 0.97 for hits in inside.values()), inside


def test_leaving_one_out_is_exact():
    generator = np.random.default_rng(0)
    for _ in range(60):
        classes = int(generator.integers(2, 6))
        matrix = generator.integers(0, 3, (classes, classes))
        matrix[0, 0] += 2
        rows, columns = np.nonzero(matrix)
        found = without_one(rows, columns, matrix[rows, columns].astype(float), classes)
        for at, cell in enumerate(zip(rows, columns, strict=True)):
            less = matrix.copy()
            less[cell] -= 1
            places = np.nonzero(less)
            for name, value in of_cells(*places, less[places].astype(float), classes).values.items():
                assert value is None or found[name][at] == pytest.approx(value), name


def test_without_an_error_no_score_is_certain():
    """Truth 0.995 for each of two classes: 200 images without an error must not exclude it."""
    found = intervals.of_matrix(np.diag([100, 100]))
    assert all(one.value == one.high == 1 for one in found.values())
    assert all(0.9 < one.low < 0.99 for one in found.values())


def test_interval_of_the_log_loss_covers():
    """Losses of calibrated predictions, which are skewed."""
    generator = np.random.default_rng(2)
    truth = softmax(generator.normal(size=(400_000, 4)) * 1.5)
    label = (truth.cumsum(axis=1) > generator.random((len(truth), 1))).argmax(axis=1)
    loss = -np.log(truth[np.arange(len(truth)), label])
    found = [intervals.of_mean(part) for part in loss.reshape(-1, 200)]
    inside = np.mean([one.low <= loss.mean() <= one.high for one in found])
    assert 0.93 <= inside <= 0.97


def test_f1_interval_covers():
    generator = np.random.default_rng(3)
    cells = np.array([0.30, 0.05, 0.04, 0.61])  # both, label only, prediction only, neither
    truth = 2 * 0.30 / (2 * 0.30 + 0.09)
    both, label, pred, _ = generator.multinomial(200, cells, 4000).T
    low, high = intervals.of_f1(both, both + label, both + pred)
    assert 0.93 <= np.mean((low <= truth) & (truth <= high)) <= 0.97
