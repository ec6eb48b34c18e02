"""Where everything runs: this machine and its topology, an existing cluster, GKE."""
