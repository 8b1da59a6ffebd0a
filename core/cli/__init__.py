"""The command line: the same core as the pages. Reads arguments, calls the workspace, writes text or one JSON document."""

from core.cli.app import main

__all__ = ["main"]
