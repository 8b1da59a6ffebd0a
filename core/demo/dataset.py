"""The demonstration dataset: from the archive that ships with labelloop to a plain folder of class folders.

What the user gets is an ordinary folder, imported like any other. Which labels are wrong on purpose stands in
planted.csv beside this file, for people and for tests; the program never reads it.
"""

import os
import shutil
import zipfile
from pathlib import Path

from core.domain.errors import BadInput
from core.runs.atomic import written_aside

NAME = "demo"
ARCHIVE = Path(__file__).with_name("images.zip")


def unpack(folder: Path) -> Path:
    """Make ``folder`` hold the demonstration images and return it.

    A new folder appears whole or not at all. In one that is there already, files that are missing or cut short are
    written again and nothing else is touched, so that a second call costs a look at each file.

    Raises:
        BadInput: the folder cannot be written, or the archive is damaged.
    """
    try:
        with zipfile.ZipFile(ARCHIVE) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            if not folder.exists():
                _unpack_aside(archive, members, folder)
            for member in members:
                _mend(archive, member, folder)
    except (zipfile.BadZipFile, FileNotFoundError) as error:
        raise BadInput("The demonstration images are damaged or missing; install labelloop again.") from error
    except OSError as error:
        raise BadInput(
            f"The demonstration images cannot be written to {folder} ({error.strerror or error})."
        ) from error
    return folder


def _unpack_aside(archive: zipfile.ZipFile, members: list[zipfile.ZipInfo], folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = folder.with_name(f".{folder.name}.{os.getpid()}.{os.urandom(3).hex()}.part")
    try:
        for member in members:
            target = aside / member.filename
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(archive.read(member))  # read checks the CRC
        os.rename(aside, folder)
    except OSError:
        if not folder.is_dir():  # otherwise somebody else unpacked in the meantime
            raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _mend(archive: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path) -> None:
    target = folder / member.filename
    if target.is_file() and target.stat().st_size == member.file_size:
        return
    content = archive.read(member)
    with written_aside(target) as aside:
        aside.write_bytes(content)
