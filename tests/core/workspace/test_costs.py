"""What errors cost, kept with a dataset."""

import numpy as np
import pytest

from core.domain.errors import BadInput, NotFound


@pytest.fixture
def workspace(in_memory):
    in_memory.store.create("pets", ["cat", "dog"])
    return in_memory


def test_costs_stay_with_the_dataset_whatever_the_order_of_the_classes(workspace):
    assert workspace.costs.of("pets", ["cat", "dog"]) is None
    workspace.costs.keep("pets", ["cat", "dog"], np.array([[0.0, 5.0], [2.0, 0.0]]))
    found = workspace.costs.of("pets", ["dog", "fox", "cat"])
    assert found.tolist() == [[0, 1, 2], [1, 0, 1], [5, 1, 0]]
    workspace.costs.forget("pets")
    assert workspace.costs.of("pets", ["cat", "dog"]) is None
    with pytest.raises(NotFound):
        workspace.costs.of("nope", ["cat"])


def test_a_renamed_class_keeps_its_costs_under_either_name_and_a_merged_one_has_those_of_its_new_class(workspace):
    workspace.add_class("pets", "fox")
    workspace.costs.keep("pets", ["cat", "dog", "fox"], np.array([[0.0, 5.0, 6.0], [2.0, 0.0, 7.0], [3.0, 4.0, 0.0]]))
    workspace.review.change_class("pets", "cat", "kitten")
    for names in (["kitten", "dog"], ["cat", "dog"]):  # as Thresholds asks, and as a run of then does
        assert workspace.costs.of("pets", names).tolist() == [[0, 5], [2, 0]]
    workspace.review.change_class("pets", "fox", "dog")
    assert workspace.costs.of("pets", ["dog", "kitten"]).tolist() == [[0, 2], [5, 0]]
    assert workspace.costs.of("pets", ["cat", "dog", "fox"]).tolist() == [[0, 5, 5], [2, 0, 0], [2, 0, 0]]


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -1.0])
def test_what_is_no_cost_is_said(workspace, bad):
    with pytest.raises(BadInput, match="take 'dog' for 'cat' is missing"):
        workspace.costs.keep("pets", ["cat", "dog"], np.array([[0.0, 1.0], [bad, 0.0]]))
    assert workspace.costs.of("pets", ["cat", "dog"]) is None
