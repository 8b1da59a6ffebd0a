"""The table that queues are ranked from: what a run says is found once, whatever is decided meanwhile."""

import numpy as np
import pandas as pd

from core.review.table import Table
from core.runs import predictions

FRAME = pd.DataFrame(
    {"sample_id": ["a", "b", "c"], "label": ["cat", "dog", None], "reviewed": False, "content_hash": ["1", "2", "3"]}
).astype({"label": object})


def _said(ids=("c", "a"), rows=((0.9, 0.1), (0.2, 0.8)), classes=("cat", "dog")):
    return predictions.make(
        classes=classes, sample_id=ids, split=["train", "test"], label=["cat", "cat"], probabilities=np.array(rows)
    )


def _same(one, other):
    for name in ("ids", "label", "suggestion", "label_then", "in_sample", "confidence", "chance", "margin"):
        pd.testing.assert_series_equal(pd.Series(getattr(one, name)), pd.Series(getattr(other, name)))
    assert one.row == other.row


def test_a_run_is_matched_by_sample():
    table = Table.of(FRAME, _said())
    assert table.suggestion.tolist() == ["dog", None, "cat"]
    assert table.in_sample.tolist() == [False, False, True]
    np.testing.assert_allclose(table.chance, [0.2, np.nan, np.nan], rtol=1e-6)
    np.testing.assert_allclose(table.margin, [0.6, np.nan, 0.8], rtol=1e-6)


def test_after_a_decision_only_what_depends_on_labels_is_made_anew():
    said = _said()
    before = Table.of(FRAME, said)
    after = FRAME.assign(label=["dog", "dog", "bird"])
    table = Table.of(after, said, before)
    assert table.said is before.said
    _same(table, Table.of(after, said))
    np.testing.assert_allclose(table.chance, [0.8, np.nan, np.nan], rtol=1e-6)


def test_other_samples_another_run_or_new_names_are_matched_anew():
    said = _said()
    before = Table.of(FRAME, said)
    fewer = FRAME.iloc[1:].reset_index(drop=True)
    _same(Table.of(fewer, said, before), Table.of(fewer, said))
    swapped = FRAME.assign(sample_id=["a", "b", "d"])
    _same(Table.of(swapped, said, before), Table.of(swapped, said))
    another = _said(rows=((0.3, 0.7), (0.6, 0.4)))
    _same(Table.of(FRAME, another, before), Table.of(FRAME, another))
    renamed = predictions.Predictions(
        ("lynx", "dog"), said.sample_id, said.split, said.label, said.probabilities, said.out_of_fold
    )
    _same(Table.of(FRAME, renamed, before), Table.of(FRAME, renamed))
    _same(Table.of(FRAME, None, before), Table.of(FRAME, None))
