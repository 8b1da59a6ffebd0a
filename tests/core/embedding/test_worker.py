"""The embedding job, as the supervisor runs it."""

import pandas as pd
import pytest

from core.embedding.__main__ import embed
from core.embedding.backbone import Backbone
from core.embedding.blocks import EmbeddingStore
from core.embedding.pipeline import embed_missing
from core.runs.atomic import read_json, write_json
from core.runs.layout import RunPaths, WorkspacePaths
from core.runs.worker import CANCELLED, REFUSED, SUCCEEDED, run_worker


@pytest.fixture
def job(tmp_path, backbone_model):
    workspace = WorkspacePaths(tmp_path / "workspace")
    workspace.cache.mkdir(parents=True)
    (workspace.cache / backbone_model.name).write_bytes(backbone_model.read_bytes())
    paths = RunPaths(workspace.jobs / "job-1")
    write_json(paths.spec, {"kind": "embed", "dataset": "shapes", "samples": "samples.parquet"})
    return paths


def test_a_job_embeds_each_content_once_and_reports(job, shapes, tmp_path):
    samples = shapes(tmp_path / "images", 4)
    twice = pd.concat([samples, samples.iloc[:3]])
    twice.to_parquet(job.folder / "samples.parquet")
    (tmp_path / "images" / "0001.png").unlink()
    (tmp_path / "images" / "0002.png").write_bytes(b"no longer an image")

    assert run_worker(job.folder, embed) == SUCCEEDED

    report = read_json(job.report)
    assert report["embedded"] == 10
    assert report["present"] == 0
    reasons = {entry["filepath"].rsplit("/", 1)[-1]: entry["reason"] for entry in report["unreadable"]}
    assert set(reasons) == {"0001.png", "0002.png"}
    assert "gone" in reasons["0001.png"]
    status = read_json(job.status)
    assert (status["phase"], status["done"], status["total"]) == ("done", 10, 12)
    assert len(EmbeddingStore(job.workspace.embeddings).missing(samples["content_hash"])) == 2


def test_a_content_is_embedded_from_the_first_of_its_files_that_holds_it(job, shapes, tmp_path):
    samples = shapes(tmp_path / "images", 2)
    gone = samples.iloc[:2].assign(filepath=[str(tmp_path / "gone.png"), str(tmp_path / "images" / "0003.png")])
    pd.concat([gone, samples]).to_parquet(job.folder / "samples.parquet")
    assert run_worker(job.folder, embed) == SUCCEEDED
    assert read_json(job.report) == {"embedded": 6, "present": 0, "unreadable": []}


def test_a_second_job_computes_nothing(job, shapes, tmp_path):
    shapes(tmp_path / "images", 2).to_parquet(job.folder / "samples.parquet")
    assert run_worker(job.folder, embed) == SUCCEEDED
    assert run_worker(job.folder, embed) == SUCCEEDED
    assert read_json(job.report) == {"embedded": 0, "present": 6, "unreadable": []}


def test_a_cancelled_job_says_so(job, shapes, tmp_path):
    shapes(tmp_path / "images", 2).to_parquet(job.folder / "samples.parquet")
    job.cancel.touch()
    assert run_worker(job.folder, embed) == CANCELLED
    assert read_json(job.error)["sentence"]


def test_a_job_without_its_table_is_refused_in_a_sentence(job):
    assert run_worker(job.folder, embed) == REFUSED
    assert "table of samples" in read_json(job.error)["sentence"]


def test_what_was_computed_before_a_stop_is_kept(job, shapes, tmp_path, backbone_model):
    samples = shapes(tmp_path / "images", 12)  # 36 images: two batches and a bit
    store = EmbeddingStore(job.workspace.embeddings)

    def stop(images):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        embed_missing(
            list(zip(samples["filepath"], samples["content_hash"], strict=True)),
            store,
            lambda: Backbone(backbone_model),
            started=lambda total: None,
            advanced=stop,
        )
    assert len(store.missing(samples["content_hash"])) == 36 - 16
