from core.checks.culling import plan


def test_the_best_of_each_cluster_stays_by_the_first_rule_that_decides(facts):
    known = facts(pairs=[("c0", "c1", 0.9), ("c2", "c3", 0.9)], width=[100, 400, 400, 400], sharpness=[1, 1, 0.2, 0.9])
    made = plan(known, likeness=0.78)
    assert [(cluster.keep, cluster.drop) for cluster in made.clusters] == [("s1", ("s0",)), ("s3", ("s2",))]
    assert "most pixels" in made.clusters[0].why
    assert "sharpest" in made.clusters[1].why


def test_where_nothing_decides_the_first_stays(facts):
    made = plan(facts(contents="ccde"), likeness=None)
    assert [(cluster.keep, cluster.drop) for cluster in made.clusters] == [("s0", ("s1",))]


def test_an_image_that_says_how_it_was_made_is_kept(facts):
    made = plan(facts(pairs=[("c0", "c1", 0.9)], described=[False, True, False, False]), likeness=0.78)
    assert made.clusters[0].keep == "s1"


def test_a_cluster_with_two_labels_is_left_to_a_person(facts):
    made = plan(facts("abaa", pairs=[("c0", "c1", 0.9), ("c2", "c3", 0.9)]), likeness=0.78)
    assert sorted(made.conflicts) == ["s0", "s1"]
    assert made.drop == ["s3"]


def test_without_near_duplicates_only_exact_copies_go(facts):
    made = plan(facts(contents="ccde", pairs=[("d", "e", 0.99)]), likeness=None)
    assert made.drop == ["s1"]


def test_the_image_that_figures_are_read_on_stays(facts):
    made = plan(facts(contents="cccd", splits="tett", width=[900, 100, 900, 50]), likeness=None)
    assert made.clusters[0].keep == "s1"
    assert sorted(made.drop) == ["s0", "s2"]
