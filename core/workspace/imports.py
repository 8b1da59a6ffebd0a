"""Imports of a workspace: the preview of a source, and the job that brings it in."""

import contextlib
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from core.domain.errors import LabelloopError
from core.domain.samples import Split
from core.generators.prompt_rules import parse
from core.ingest.archives import is_archive
from core.ingest.examples import Example, read_examples
from core.ingest.layouts import Preview
from core.ingest.readings import Reading
from core.ingest.sources import is_upload, listing_of, recognise
from core.jobs import folders
from core.workspace.requests import dataset_name

if TYPE_CHECKING:
    from core.workspace.facade import Workspace

LARGE = 300 * 2**20  # bytes
TAKEN_OUT = 512 * 2**20  # bytes of an archive's members that a preview looks into, at most


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

    def examples(self, source: str, filepaths: Sequence[str], *, pixels: bool = True) -> list[Example]:
        """A few files of a preview, which may lie in an archive still: thumbnails and what generators wrote.

        They are read in processes apart, as an import reads them: a decoder that hangs or dies takes nothing with it.
        Without ``pixels`` there are no thumbnails.
        """
        with tempfile.TemporaryDirectory(prefix="labelloop-") as scratch:
            return read_examples(self._at_hand(Path(source), filepaths, Path(scratch)), pixels=pixels)

    def _at_hand(self, source: Path, filepaths: Sequence[str], scratch: Path) -> list[str]:
        """The files where they can be read: as they are, or taken out of their archive; some may be missing."""
        uploads = self._workspace.paths.uploads
        packed = is_archive(source) or is_upload(source, uploads)
        if not packed or all(Path(path).exists() for path in filepaths):
            return list(filepaths)
        taken = [scratch / str(at) / Path(path).name for at, path in enumerate(filepaths)]
        with contextlib.suppress(LabelloopError, OSError):  # the import says why
            if _slow(source):
                return [str(path) for path in taken]
            listing, room = listing_of(source, uploads), TAKEN_OUT
            for path, target in zip(filepaths, taken, strict=True):
                if room <= 0:
                    break
                with contextlib.suppress(LabelloopError, OSError):
                    data = listing.read(str(Path(path).relative_to(listing.root)))
                    room -= len(data)
                    target.parent.mkdir()
                    target.write_bytes(data)
        return [str(path) for path in taken]

    def start_upload(
        self,
        batch: str,
        dataset: str,
        *,
        reading: Reading | None = None,
        rules: Sequence[str] = (),
        hidden: bool = False,
    ) -> str:
        """Import what was uploaded, as :meth:`start`; a picture that the dataset has already is not added again.

        Raises:
            BadInput: as :meth:`start`.
            NotFound: the upload is gone.
        """
        kept = self._workspace.uploads.keep(batch, dataset_name(dataset))
        return self.start(kept, dataset, reading=reading, rules=rules, hidden=hidden, uploaded=True)

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


def _slow(source: Path) -> bool:
    """Whether a large compressed tar is in it, which is read from its beginning for each file."""
    archives = [path for path in source.rglob("*") if is_archive(path)] if source.is_dir() else [source]
    return any(path.suffix.lower() not in (".zip", ".tar") and path.stat().st_size > LARGE for path in archives)
