"""Several workers on one run, in this box or on a Ray cluster: launched and followed from here, nothing more.

The supervisor that holds the run stays where the run was asked for; its worker is this package's process, which has the
members of the team do the work and tells how it ended. A cluster is never started here.
"""
