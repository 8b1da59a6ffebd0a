"""Where runs are mirrored and when somebody is told: ``WORKSPACE/tracking.json``, written by people."""

from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from core.domain import runs
from core.domain.errors import BadInput
from core.runs.atomic import read_json, write_json
from core.runs.layout import WorkspacePaths

_SQLITE = "sqlite:///"


@dataclass(frozen=True, slots=True)
class Settings:
    """Mirrors: ``mlflow`` a tracking URI, ``comet`` a folder for offline experiments or "online", ``tensorboard`` a
    folder; "" is off. Rules: ``accuracy_below`` a share (0 is off), on test, else val; ``loss_rising`` so many epochs
    in a row (0 is off); ``run_failed``. Ways: ``webhook`` an address, ``command`` a program with its arguments,
    ``desktop`` a notice of the desktop at the end of each network.

    Raises:
        BadInput: a value that cannot be.
    """

    mlflow: str = ""
    comet: str = ""
    tensorboard: str = ""
    accuracy_below: float = 0.0
    loss_rising: int = 0
    run_failed: bool = False
    webhook: str = ""
    command: str = ""
    desktop: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.accuracy_below <= 1:
            raise BadInput(f"Accuracy below must be a share between 0 and 1, not {self.accuracy_below}.")
        if not 0 <= self.loss_rising <= 1000:
            raise BadInput(f"Loss rising must be between 0 and 1,000 epochs, not {self.loss_rising}.")
        if self.webhook and (
            urlsplit(self.webhook).scheme not in ("http", "https") or not urlsplit(self.webhook).netloc
        ):
            raise BadInput("A webhook is an address that begins with http:// or https://.")

    @property
    def mirrors(self) -> bool:
        """Whether any mirror is on."""
        return bool(self.mlflow or self.comet or self.tensorboard)

    @property
    def rules(self) -> bool:
        """Whether any rule is on."""
        return bool(self.accuracy_below or self.loss_rising or self.run_failed)


def database_file(uri: str) -> str:
    """The file that an address of SQLite names; "" of one in memory, and of every other address."""
    path = uri.removeprefix(_SQLITE).partition("?")[0] if uri.startswith(_SQLITE) else ""
    return "" if path == ":memory:" else path


def rooted(settings: Settings, folder: Path) -> Settings:
    """The same with files and folders named from ``folder``: what reads them works in another one."""
    command = settings.command.strip()
    program = command.split(maxsplit=1)[0] if command else ""
    if "/" in program and not program.startswith(("/", "~", "'", '"')):  # a name alone is looked for on the PATH
        command = runs.rooted(program, folder) + command[len(program) :]
    return replace(
        settings,
        mlflow=_store(settings.mlflow, folder),
        comet=settings.comet if settings.comet == "online" else runs.rooted(settings.comet, folder),
        tensorboard=runs.rooted(settings.tensorboard, folder),
        command=command,
    )


def _store(uri: str, folder: Path) -> str:
    """MLflow's addresses: a database file of SQLite, a folder, or what lies elsewhere and stays as it is."""
    if uri.startswith(_SQLITE):
        path = database_file(uri)
        return f"{_SQLITE}{runs.rooted(path, folder)}{uri.removeprefix(_SQLITE + path)}" if path else uri
    if uri.startswith("file:") and not uri.startswith("file:/"):
        return Path(runs.rooted(uri.removeprefix("file:"), folder)).as_uri()
    elsewhere = urlsplit(uri).scheme or uri in ("databricks", "databricks-uc", "uc")
    return uri if elsewhere else runs.rooted(uri, folder)


def read(workspace: WorkspacePaths) -> Settings:
    """The settings; all off where there are none. A value that was spoilt by hand is off."""
    found = read_json(workspace.tracking)
    known = {field.name: type(field.default) for field in fields(Settings)}
    kept: dict[str, Any] = {}
    for name, value in (found if isinstance(found, dict) else {}).items():
        if name in known and (isinstance(value, known[name]) or (known[name] is float and isinstance(value, int))):
            kept[name] = value
    try:
        return Settings(**kept)
    except BadInput:
        return Settings()


def write(workspace: WorkspacePaths, settings: Settings) -> None:
    """Replace the settings."""
    write_json(workspace.tracking, asdict(settings))
