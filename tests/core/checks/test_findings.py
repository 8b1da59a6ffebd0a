import numpy as np
import pytest

from core.checks import findings
from core.checks.kinds import BY_KEY, KINDS


def ids(found):
    return [finding.sample_id for finding in found]


def all_of(facts, **limits):
    return findings.find(facts, {**findings.thresholds(facts, {}), **limits})


def test_a_sound_dataset_has_no_findings(facts):
    found = all_of(facts("abab"))
    assert list(found) == [kind.key for kind in KINDS]
    assert {kind for kind, rows in found.items() if rows} == set()


@pytest.mark.parametrize(
    ("kind", "field", "bad"),
    [("blurred", "sharpness", 0.05), ("dark", "highlights", 0.1), ("bright", "shadows", 0.97), ("flat", "contrast", 0)],
)
def test_what_was_measured_becomes_a_finding_with_its_raw_value(facts, kind, field, bad):
    column = np.array([0.5, bad, 0.5, 0.5]) if kind != "flat" else np.array([0.2, bad, 0.2, 0.2])
    (found,) = all_of(facts(**{field: column}))[kind]
    assert found.sample_id == "s1"
    assert found.value == pytest.approx(bad)
    assert found.score > 0.8


def test_a_threshold_moves_who_is_found_and_leaves_values_and_scores(facts):
    known = facts(sharpness=[0.1, 0.2, 0.3, 0.8])
    few, many = all_of(known, blurred=0.15)["blurred"], all_of(known, blurred=0.35)["blurred"]
    assert (ids(few), ids(many)) == (["s0"], ["s0", "s1", "s2"])
    assert few[0] == many[0]


def test_what_was_not_measured_is_not_found(facts):
    known = facts(sharpness=[0, 0, 0, 0])
    known.measured[:2] = False
    assert ids(all_of(known)["blurred"]) == ["s2", "s3"]


def test_tiny_and_odd_shape_come_from_the_sizes(facts):
    found = all_of(facts(width=[400, 30, 400, 2000], height=[300, 30, 300, 300]))
    assert ids(found["tiny"]) == ["s1"]
    assert ids(found["odd-shape"]) == ["s3"]


def test_in_a_dataset_of_small_pictures_small_is_no_fault(facts):
    assert all_of(facts(width=[32] * 4, height=[32] * 4))["tiny"] == []


def test_outliers_are_found_by_their_distance(facts):
    assert ids(all_of(facts(distances=[0.1, 9.0, np.nan, -1.0]))["outlier"]) == ["s1"]


def test_rare_classes_are_found_with_all_their_images(facts):
    found = all_of(facts("a" * 30 + "bb"))["class-imbalance"]
    assert {finding.group for finding in found} == {"b"}
    assert len(found) == 2
    assert found[0].value == pytest.approx(2 / 30)


def test_exact_copies_form_a_group_and_name_one_another(facts):
    found = all_of(facts(contents=["c", "d", "c", "e"]))["exact-duplicate"]
    assert ids(found) == ["s0", "s2"]
    assert found[0].detail.endswith("2.png")
    assert found[1].detail.endswith("0.png")
    assert found[0].group == found[1].group


def test_near_duplicates_hang_together_by_chains(facts):
    known = facts(pairs=[("c0", "c1", 0.9), ("c1", "c3", 0.8)])
    found = all_of(known)["near-duplicate"]
    assert sorted(ids(found)) == ["s0", "s1", "s3"]
    assert len({finding.group for finding in found}) == 1
    assert ids(all_of(known, **{"near-duplicate": 0.85})["near-duplicate"]) == ["s0", "s1"]


@pytest.mark.parametrize("how", ["contents", "pairs"])
def test_copies_under_two_labels_are_a_conflict(facts, how):
    told = {"contents": ["c", "c", "d", "e"]} if how == "contents" else {"pairs": [("c0", "c1", 0.9)]}
    assert sorted(ids(all_of(facts("abab", **told))["label-conflict"])) == ["s0", "s1"]
    assert all_of(facts("aabb", **told))["label-conflict"] == []
    assert all_of(facts("a-bb", **told))["label-conflict"] == []  # no label is no other label


@pytest.mark.parametrize(
    "told",
    [
        {"contents": ["c", "d", "c", "e"]},
        {"pairs": [("c0", "c2", 0.9)]},
        {"origins": ["7\ncat", None, "7\ncat", "8\ncat"]},
    ],
    ids=["copy", "near", "seed"],
)
def test_a_group_in_two_splits_is_a_leak(facts, told):
    found = all_of(facts(splits="tvee", **told))["leak"]
    assert sorted(ids(found)) == ["s0", "s2"]
    assert "train and test" in found[0].detail
    assert all_of(facts(splits="tvtt", **told))["leak"] == []


def test_the_same_seed_and_prompt_is_a_leak_and_no_duplicate_and_no_conflict(facts):
    found = all_of(facts("abab", splits="tvee", origins=["7\ncat", None, None, "7\ncat"]))
    assert found["near-duplicate"] == found["exact-duplicate"] == found["label-conflict"] == []


def test_a_missing_file_is_found_with_its_reason(facts):
    known = facts()
    known.missing[2] = "the file is gone"
    (found,) = all_of(known)["missing-file"]
    assert (found.sample_id, found.detail) == ("s2", "the file is gone")


def test_scores_do_not_depend_on_thresholds_and_stay_in_range():
    for kind in KINDS:
        scores = kind.score(np.array([-5.0, 0.0, 0.3, 1.0, 1e6]))
        assert (scores >= 0).all()
        assert (scores <= 1).all()
    assert BY_KEY["blurred"].score(np.array([0.0]))[0] == 1.0
