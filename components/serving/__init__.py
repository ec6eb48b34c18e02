"""Placement on NUMA nodes, one module a platform, supervision."""
