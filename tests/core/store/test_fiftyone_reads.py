"""FiftyOne itself reads, filters and edits what the store wrote past it: the private surface that we lean on."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import core.store.template as templates
from core.domain.errors import BadInput

# FiftyOne connects once a process and takes seconds to import: it works in one of its own.
SCRIPT = """
import json, sys
import fiftyone as fo
from fiftyone import ViewField as F
from core.store.fiftyone_store import make_template
name = sys.argv[1]
dataset = fo.load_dataset(name)
before = dataset.count_values("ground_truth.label")
native = fo.Sample(filepath="/images/native.png", ground_truth=fo.Classification(label="dog"), split="test")
dataset.add_sample(native)
fields = {key: sorted(dataset._sample_collection.find_one({"filepath": path}).keys())
          for key, path in (("ours", "/images/0.png"), ("theirs", "/images/native.png"))}
edited = dataset.match(F("filepath") == "/images/1.png").first()
edited["ground_truth"].label = "cat"
edited.save()
dataset.delete_samples([native.id])
json.dump({
    "before": {str(k): v for k, v in before.items()},
    "classes": dataset.classes,
    "media_type": dataset.media_type,
    "schema": sorted(dataset.get_field_schema()),
    "matched": len(dataset.match(F("ground_truth.label") == "cat")),
    "metadata": dataset.first().metadata.width,
    "fields": fields,
    "template": make_template(),
}, sys.stdout, default=str)
"""


@pytest.fixture
def seen_by_fiftyone(mongo_store, database_uri, new_samples):
    info = mongo_store.create("Мои pets", ["cat", "dog"])
    mongo_store.insert(info.id, new_samples("cat", "dog", None))
    environment = {
        **os.environ,
        "FIFTYONE_DATABASE_URI": database_uri,
        "FIFTYONE_DATABASE_NAME": mongo_store._db.name,
        "FIFTYONE_DATABASE_VALIDATION": "false",
        "FIFTYONE_DO_NOT_TRACK": "true",
        "PYTHONPATH": str(Path(templates.__file__).parents[2]),
    }
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, "Мои pets"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout[done.stdout.index('{"before"') :])


@pytest.mark.slow
def test_fiftyone_reads_what_the_store_wrote(seen_by_fiftyone, mongo_store):
    seen = seen_by_fiftyone
    assert seen["before"] == {"cat": 1, "dog": 1, "None": 1}
    assert seen["classes"] == {"ground_truth": ["cat", "dog"]}
    assert seen["media_type"] == "image"
    assert seen["metadata"] == 64
    assert {"ground_truth", "prediction", "split", "reviewed", "labelloop_label"} <= set(seen["schema"])
    assert seen["matched"] == 2  # one of ours and the one that it has just edited
    missing = set(seen["fields"]["theirs"]) - set(seen["fields"]["ours"])
    assert not missing, f"FiftyOne writes fields that a raw insert lacks: {missing}"
    # and the edit that FiftyOne made is found as native
    info = mongo_store.dataset("Мои pets")
    edited = mongo_store.natively_edited(info.id)
    assert [(state.journalled, state.label) for state in edited] == [("dog", "cat")]
    # the shipped template is what this FiftyOne makes
    shipped = json.loads((Path(templates.__file__).parent / templates.FILE).read_text())
    assert seen["template"] == shipped


def test_slugs_are_fiftyones():
    examples = {
        "coco_2017": "coco-2017",
        "c+o+c+o 2-0-1-7": "c-o-c-o-2-0-1-7",
        "cat.DOG": "cat-dog",
        "---name----": "name",
        "Brian's #$&@ (Awesome?) Dataset!": "brians-awesome-dataset",
        "sPaM     aNd  EgGs": "spam-and-eggs",
    }
    assert {name: templates.slug(name) for name in examples} == examples
    assert templates.slug("кошки").startswith("dataset-")
    assert templates.slug("кошки") != templates.slug("собаки")


def test_names_that_share_a_slug_are_refused(mongo_store):
    mongo_store.create("My Pets", ["cat"])
    with pytest.raises(BadInput, match="too close"):
        mongo_store.create("my-pets", ["cat"])
