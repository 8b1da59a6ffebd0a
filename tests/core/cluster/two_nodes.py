"""A Ray cluster for tests, in a process of its own: a head that works not, and nodes of one core, all on loopback.

At 127.0.0.2, since Ray takes 127.0.0.1 for this machine's outward address, where nobody listens. Commands on standard
input, a line each: ``add``, ``kill`` (the oldest node). It ends, and all of Ray with it, when standard input closes.
Not ``ray stop``: that ends every cluster of this machine.
"""

import os
import sys

os.environ.setdefault("RAY_AUTH_MODE", "token")
# A node gives up on agents that take 30 seconds to start, as they may beside other tests on two cores.
os.environ.setdefault("RAY_agent_register_timeout_ms", "180000")

from ray.cluster_utils import Cluster


def main() -> None:
    """Serve until standard input closes."""
    plain = {"node_ip_address": "127.0.0.2", "object_store_memory": 100 * 2**20}
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False, **plain})
    nodes = []
    try:
        print(cluster.address, flush=True)
        for line in sys.stdin:
            if line.strip() == "add":
                nodes.append(cluster.add_node(num_cpus=1, **plain))
            elif line.strip() == "kill":
                cluster.remove_node(nodes.pop(0), allow_graceful=False)
            print("done", flush=True)
    finally:
        cluster.shutdown()


if __name__ == "__main__":
    main()
