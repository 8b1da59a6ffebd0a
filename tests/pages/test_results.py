"""The result in the top bar is honest: corrected test labels are no merit of the newer network."""

from dashboard import results
from dashboard.wording import points


def test_the_gain_is_counted_under_the_same_labels(corrected_workspace):
    workspace = corrected_workspace
    test = workspace.evaluation("run-2", "test")
    assert (test.correct, workspace.evaluation("run-1", "test").correct) == (test.samples, test.samples - 3)
    # one of the three was the label's fault: under the corrected label run-1 had it right
    told = results.sentence(workspace, results.finished(workspace, "zoo"))
    assert told == f"run-2: 100% on test, {points(2 / test.samples)}"
