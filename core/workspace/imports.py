"""Imports of a workspace: the preview of a source, and the job that brings it in."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.domain.errors import LabelloopError
from core.domain.samples import Split
from core.generators.prompt_rules import parse
from core.images.reading import UnreadableImage, read_bytes
from core.ingest.archives import is_archive, list_archive
from core.ingest.layouts import Preview
from core.ingest.readings import Reading
from core.ingest.sources import recognise
from core.jobs import folders
from core.workspace.requests import dataset_name

if TYPE_CHECKING:
    from core.workspace.facade import Workspace

LARGE = 300 * 2**20  # bytes


class Imports:
    """What a workspace can take in."""

    def __init__(self, workspace: "Workspace") -> None:
        self._workspace = workspace

    def preview(self, source: str | Path, reading: Reading | None = None) -> Preview:
        """What an import of ``source`` would read; nothing is written. Names and tables are looked at, no image.

        Raises:
            BadInput: no such source, nothing in it, or it cannot be read as asked.
        """
        return recognise(source, reading, uploads=self._workspace.paths.uploads, labelled=self._labelled)

    def examples(self, source: str, filepaths: Sequence[str]) -> list[bytes]:
        """The bytes of a few files of a preview, which may lie in an archive still; b"" of one that cannot be read."""
        archive = Path(source)
        if not is_archive(archive) or all(Path(path).exists() for path in filepaths):
            return [_tried(read_bytes, Path(path)) for path in filepaths]
        if archive.suffix.lower() not in (".zip", ".tar") and archive.stat().st_size > LARGE:
            return [b"" for _ in filepaths]  # a compressed tar is read from its beginning for each of them
        listing = list_archive(archive, self._workspace.paths.uploads)
        return [_tried(listing.read, str(Path(path).relative_to(listing.root))) for path in filepaths]

    def start_upload(
        self, batch: str, dataset: str, *, reading: Reading | None = None, rules: Sequence[str] = ()
    ) -> str:
        """Import what was uploaded; a picture that the dataset has already is not added again.

        Raises:
            BadInput: as :meth:`start`.
            NotFound: the upload is gone.
        """
        kept = self._workspace.uploads.keep(batch, dataset_name(dataset))
        return self.start(kept, dataset, reading=reading, rules=rules, uploaded=True)

    def start(
        self,
        source: str | Path,
        dataset: str,
        *,
        reading: Reading | None = None,
        seed: int = 0,
        uploaded: bool = False,
        rules: Sequence[str] = (),
        hidden: bool = False,
    ) -> str:
        """Import in the background, then embed; returns the job's name.

        With ``rules`` (core.generators.prompt_rules) labels come from the prompts in the files. ``hidden`` looks for
        prompts in the pixels too. The same request while such a job waits or works returns that job.

        Raises:
            BadInput: no such source, no images in it, no rule, or a name that a dataset cannot have.
        """
        workspace, reading = self._workspace, reading or Reading()
        name = dataset_name(dataset)
        root = str(self.preview(source, reading).folder)
        used = any(view.state == "succeeded" for view in workspace.runs(name))
        spec = {
            "kind": "import",
            "dataset": name,
            "folder": root,
            "reading": reading.as_json(),
            "seed": seed,
            "frozen_test": used,
            "uploaded": uploaded,
            "hidden": hidden,
            "rules": [str(rule) for rule in parse(rules).rules] if rules else [],
        }
        with folders.lock_of(workspace.paths.jobs):
            for view in workspace.jobs(name):
                if view.active and view.kind == "import" and view.spec.get("folder") == root:
                    return view.name
            job = folders.make(workspace.paths.jobs, "job", spec)
        workspace.launch(job)
        return job.name

    def _labelled(
        self, name: str, field: str | None
    ) -> tuple[str, Sequence[str], Iterable[tuple[str, str | None, Split | None]]]:
        store = self._workspace.store
        fields = store.label_fields(name)
        chosen = field or ("ground_truth" if "ground_truth" in fields or not fields else fields[0])
        return chosen, fields, store.labelled_files(name, chosen)


def _tried(read: Callable[[Any], bytes], what: Any) -> bytes:
    try:
        return read(what)
    except (UnreadableImage, LabelloopError):  # the import says why
        return b""
