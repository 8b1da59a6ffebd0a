"""``python -m core.services.app_server``: FiftyOne's server with labelloop's plugin, behind the fence, on 127.0.0.1.

The token comes by ``LABELLOOP_APP_TOKEN`` and not as an argument, since every user of the machine can read those.
"""

import argparse
import logging
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any

from core.domain.errors import LabelloopError
from core.runs.layout import WorkspacePaths
from core.services import app_rules, mongod

PLUGINS = Path(__file__).parent / "plugin"

logger = logging.getLogger(__name__)


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(prog="core.services.app_server")
    parser.add_argument("--workspace", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--socket", type=int, help="a file descriptor that is bound to the port already")
    parser.add_argument("--pages-origin", action="append", default=[])
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    token = os.environ.pop("LABELLOOP_APP_TOKEN", "")
    if len(token) < 16:
        parser.error("LABELLOOP_APP_TOKEN must hold a token of 16 characters or more")
    paths = WorkspacePaths(given.workspace.resolve())
    try:
        database = mongod.attach_or_start(paths)
    except LabelloopError as error:
        logger.error("%s", error)
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # uvicorn raises the signal again when it is done
    with database:
        os.environ.update(environment(paths, database.uri))
        _serve(database.uri, given.port, token, given.pages_origin, given.socket)
    return 0


def environment(paths: WorkspacePaths, uri: str) -> dict[str, str]:
    """FiftyOne's settings: our database, our plugin, nothing of the user's own FiftyOne, nothing sent anywhere."""
    own = paths.cache / "fiftyone"
    return {
        "FIFTYONE_DATABASE_URI": uri,
        "FIFTYONE_DATABASE_NAME": mongod.DATABASE,
        "FIFTYONE_DATABASE_VALIDATION": "false",
        "FIFTYONE_DO_NOT_TRACK": "true",
        "FIFTYONE_PLUGINS_DIR": str(PLUGINS),
        "FIFTYONE_OPERATOR_TIMEOUT": "120",
        "FIFTYONE_CONFIG_PATH": str(own / "config.json"),
        "FIFTYONE_APP_CONFIG_PATH": str(own / "app_config.json"),
        "FIFTYONE_DEFAULT_DATASET_DIR": str(own / "datasets"),
        "FIFTYONE_MODEL_ZOO_DIR": str(own / "models"),
        "FIFTYONE_DATASET_ZOO_DIR": str(own / "zoo"),
        "FIFTYONE_EXECUTION_STORE_NOTIFICATION_SERVICE_DISABLED": "true",
        "FIFTYONE_ALLOWED_ORIGINS": "",
        "FIFTYONE_SERVER": "1",
        "LABELLOOP_DATABASE_URI_NOW": uri,  # for the plugin
    }


def _serve(uri: str, port: int, token: str, page_origins: list[str], descriptor: int | None) -> None:
    import uvicorn
    from fiftyone.server.app import app  # seconds; everything above failed early where it had to
    from fiftyone.server.events import set_port

    from core.services import app_control, app_shown
    from core.services.app_fence import Fence, Policy
    from core.services.app_media import Media

    app.debug = False
    set_port(port)
    _allow_only_ours()
    app_shown.watch()
    fence = Fence(
        app_shown.watching_edits(app),
        Policy(port, token, tuple(page_origins)),
        may_serve=Media(uri).may_serve,
        control=app_control.answer,
    )
    config = uvicorn.Config(
        fence,
        host="127.0.0.1",
        port=port,
        access_log=False,  # its lines would hold the token of /__enter
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=1,  # the App's event stream never ends by itself
    )
    uvicorn.Server(config).run([socket.socket(fileno=descriptor)] if descriptor is not None else None)


def _allow_only_ours() -> None:
    """Leave operators out of FiftyOne's own registry that the fence refuses, so that the App does not offer them."""
    from fiftyone.operators import permissions

    every = permissions.OperatorRegistry.list_operators

    def has_operator(_: Any, uri: str) -> bool:
        return app_rules.may_operate(uri)

    def list_operators(registry: Any, *args: Any, **kwargs: Any) -> list[Any]:
        return [found for found in every(registry, *args, **kwargs) if app_rules.may_operate(found.uri)]

    permissions.ManagedOperators.has_operator = has_operator
    permissions.PermissionedOperatorRegistry.list_operators = list_operators


if __name__ == "__main__":
    sys.exit(main())
