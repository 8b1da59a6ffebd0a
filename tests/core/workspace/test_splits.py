"""Why two images were kept together: asked for one image, and for all."""

import random
from dataclasses import replace

import pandas as pd
import pytest

from core.checks import shelf
from core.checks.shelf import PAIR_COLUMNS
from core.domain.decisions import Decision
from core.domain.generation import Generation
from core.snapshots.groups import WHY


@pytest.fixture
def workspace(in_memory, new_samples):
    """Dataset "zoo": 60 images, some of equal contents, near copies of one another, or of one seed."""
    drawn = random.Random(8)
    store = in_memory.store
    info = store.create("zoo", ["cat"])
    contents = [f"{drawn.randrange(80):064x}" for _ in range(60)]
    store.insert(
        info.id,
        [
            replace(sample, split=drawn.choice(["train", "val"]), content_hash=content)
            for sample, content in zip(new_samples(*["cat"] * 60), contents, strict=True)
        ],
    )
    pairs = [(*drawn.sample(contents, 2), drawn.uniform(0.6, 1.0), "hash", 0, 1.0) for _ in range(9)]
    pairs += [("f" * 64, contents[0], 1.0, "hash", 0, 1.0), ("f" * 64, contents[1], 1.0, "hash", 0, 1.0)]  # gone since
    shelf.write_pairs(in_memory.paths.checked(info.id), pd.DataFrame(pairs, columns=list(PAIR_COLUMNS)))
    made = {
        i: Generation("A", prompt="a roof", seed=str(drawn.randrange(5))) for i in in_memory.samples("zoo")["sample_id"]
    }
    store.set_generations(info.id, {i: made[i] for i in drawn.sample(sorted(made), 9)})
    return in_memory


def test_what_is_kept_with_one_image_is_its_group_with_the_same_reasons(workspace):
    left_out = workspace.samples("zoo")["sample_id"].iat[4]
    workspace.decide("zoo", [Decision(left_out, "exclude", "cat", "cat", "t")], source="grid")
    groups, ids = workspace.splits.groups("zoo"), workspace.health.facts("zoo").frame["sample_id"].tolist()
    members, reasons = groups.members(), set()
    for row, sample_id in enumerate(ids):
        found = workspace.splits.together("zoo", sample_id)
        others = {ids[other] for other in members.get(groups.of[row], ()) if other != row}
        assert set(() if found is None else found.others["sample_id"]) == others
        if found is not None:
            assert found.why == " and ".join(WHY[reason] for reason in groups.why[groups.of[row]])
            reasons.add(found.why)
    assert len(reasons) > 3
    assert workspace.splits.together("zoo", left_out) is None


def test_all_groups_are_told_with_their_reasons(workspace):
    kept = workspace.splits.kept_together("zoo")
    leaks = {one.group: one.samples for one in workspace.splits.gate("zoo").leaks}
    assert leaks
    assert leaks.items() <= {one.group: one.samples for one in kept}.items()
    assert sum(len(one.samples) for one in kept) == sum(
        len(rows) for rows in workspace.splits.groups("zoo").members().values()
    )
