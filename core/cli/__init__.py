"""The command line: reads arguments, calls the workspace, writes text or one JSON document."""

from core.cli.app import main

__all__ = ["main"]
