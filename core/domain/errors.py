"""What can go wrong through the user's input or surroundings, one sentence each.

Whatever is raised from here is shown as it is: by the CLI on standard error (exit status 2),
by a page as an error box. Everything else that escapes is a bug.
"""


class LabelloopError(Exception):
    """A mistake or a lack that the person can mend; the text says how."""


class BadInput(LabelloopError):
    """A value, file or folder that cannot be used as given."""


class NotFound(LabelloopError):
    """A dataset, run, sample or class that is not in the workspace."""


class MissingProgram(LabelloopError):
    """A program that labelloop needs is not on this machine."""


class ServiceFailed(LabelloopError):
    """mongod, the FiftyOne server or Streamlit did not start or went away."""


class Offline(LabelloopError):
    """Weights had to be downloaded and the network could not be reached."""


class Cancelled(LabelloopError):
    """The person asked for the job to stop."""


class Paused(LabelloopError):
    """The person asked for the job to pause; it goes on where it was when it is started again."""


class WorkerLost(Exception):
    """Another worker of the same run went away, and this one cannot go on without it."""


class StartAgain(Exception):
    """All workers of a run are to end and start again at its last checkpoint."""


class Superseded(Exception):
    """The run goes on elsewhere: this worker must not write any more."""
