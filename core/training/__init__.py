"""Training: started as ``python -m core.training RUNDIR``. The only home of torch, and only in its network modules."""
