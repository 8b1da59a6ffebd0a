"""Jobs that tests start are forked from spares, as those of the dashboard are: nothing is imported for each anew."""

from core.jobs.launcher import Launcher, kind_of


class Shared(Launcher):
    """The spares of all workspaces that one process of the tests opens; the first job of a kind waits for its own."""

    def __init__(self):
        super().__init__()
        self._keeps = True

    def start(self, paths):
        kind = kind_of(paths)
        if kind is not None:
            self._renew(kind)  # unless it is there
        super().start(paths)

    def warm_up(self):
        """Nothing: a test whose network is never trained needs none."""

    def close(self):
        """A workspace is closed; the others need them still."""

    def end(self):
        """The tests have ended."""
        super().close()
