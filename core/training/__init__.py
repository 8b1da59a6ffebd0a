"""Training: started as ``python -m core.training RUNDIR``. The only home of torch, and only in its network modules."""

import os

# Torch's threads otherwise burn their cores while they wait for one another; on a machine that also draws pages and
# serves a database that makes training several times slower. It is read when torch's libraries are loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
