"""Benchmarks whose load comes from Jobs on a cluster; what is measured, judged and stored is the same as here."""
