"""A dataset's counts are kept until something is written, also while they are being made."""

from core.runs.layout import WorkspacePaths
from core.store.memory import MemoryStore
from core.workspace.datasets import Datasets


def test_what_is_written_while_one_counts_is_counted_the_next_time(tmp_path, new_samples, monkeypatch):
    store = MemoryStore()
    info = store.create("zoo", ["cat", "dog"])
    datasets, count = Datasets(WorkspacePaths(tmp_path), store), store.dataset_by_id

    def slowly(dataset_id):
        counted = count(dataset_id)
        monkeypatch.setattr(store, "dataset_by_id", count)
        store.insert(info.id, new_samples("cat", "cat", "dog"))  # by an import in another process
        return counted

    monkeypatch.setattr(store, "dataset_by_id", slowly)
    assert datasets.dataset("zoo").samples == 0
    assert datasets.dataset("zoo").labels == {"cat": 2, "dog": 1}
    assert datasets.dataset("zoo") is datasets.dataset("zoo")
