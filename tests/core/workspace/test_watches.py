"""A watched folder, with real processes: new images come in, are predicted, half-written ones wait, restarts go on."""

import shutil

import pytest
from PIL import Image

from core.domain.errors import BadInput, NotFound
from core.runs import findings
from tests import processes
from tests.waiting import until

pytestmark = pytest.mark.slow


@pytest.fixture
def stop_all(trained):
    yield
    for watch in trained.watches.all():
        trained.watches.stop(watch.id)


def counts(workspace, watch):
    return workspace.watches.find_job(watch).job.status


def test_what_arrives_is_imported_embedded_and_predicted(trained, stop_all, tmp_path, draw_shape):
    folder = tmp_path / "outputs"
    folder.mkdir()
    watch = trained.watches.start(folder, "arrived", run="run-1")
    assert trained.watches.start(folder, "arrived", run="run-1").job.name == watch.job.name  # a second click
    for number, shape in enumerate(("circle", "square")):
        draw_shape(shape, seed=900 + number, size=96).save(folder / f"{number}.png")
    whole = (folder / "0.png").read_bytes()
    (folder / "half.png").write_bytes(whole[: len(whole) // 2])
    until(lambda: counts(trained, watch).get("predicted") == 2, seconds=300)
    assert counts(trained, watch)["waiting"] == 1
    (folder / "half.png").write_bytes(whole + b"\n")
    until(lambda: counts(trained, watch).get("imported") == 3, seconds=300)
    frame = trained.samples("arrived")
    assert sorted(frame["filepath"]) == [str(folder / name) for name in ("0.png", "1.png", "half.png")]
    found = findings.read(trained.paths, trained.dataset("arrived").id, "arrival")
    assert set(found["sample_id"]) == set(frame["sample_id"])
    by_file = dict(zip(frame["sample_id"], frame["filepath"], strict=True))
    said = {by_file[row.sample_id].rpartition("/")[2]: row.suggestion for row in found.itertuples()}
    assert (said["0.png"], said["1.png"]) == ("circle", "square")

    # A smaller copy of a picture shares its split, and once a burst is over what came is checked.
    Image.open(folder / "1.png").resize((80, 80)).save(folder / "copy.png")
    until(lambda: counts(trained, watch).get("imported") == 4, seconds=300)
    splits = trained.samples("arrived").set_index("filepath")["split"]
    assert splits[str(folder / "copy.png")] == splits[str(folder / "1.png")]
    until(lambda: any(job.kind == "check" and job.state == "succeeded" for job in trained.jobs("arrived")), seconds=300)

    # Its worker and supervisor are killed, as by a crash of the machine: the next start goes on.
    job = trained.watches.find_job(watch).job.name
    processes.kill(*(process for process, _ in processes.with_argument(trained.run_paths(job).folder)))
    until(lambda: not trained.run(job).active, seconds=300)
    draw_shape("stripes", seed=950, size=96).save(folder / "later.png")
    (started,) = trained.watches.revive()
    assert started != job
    until(lambda: len(trained.samples("arrived")) == 5, seconds=300)
    trained.watches.stop(watch.id)
    assert not trained.run(started).active
    assert trained.watches.all() == []
    shutil.rmtree(folder)


def test_what_cannot_be_watched_is_one_sentence(trained, tmp_path):
    with pytest.raises(BadInput, match="no folder"):
        trained.watches.start(tmp_path / "none", "pets")
    with pytest.raises(BadInput, match="own workspace"):
        trained.watches.start(trained.paths.thumbnails, "pets")
    with pytest.raises(NotFound, match="no run"):
        trained.watches.start(tmp_path, "pets", run="run-99")
    with pytest.raises(NotFound, match="not watched"):
        trained.watches.stop("0" * 12)
