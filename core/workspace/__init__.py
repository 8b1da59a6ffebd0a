"""Composition root: a folder becomes a workspace with its store, snapshots, runs and jobs."""

from core.workspace.facade import Workspace
from core.workspace.offers import Offer
from core.workspace.views import RunView, StaleMeter

__all__ = ["Offer", "RunView", "StaleMeter", "Workspace"]
