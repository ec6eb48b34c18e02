"""Load generators of others: hey, wrk, vegeta, ghz and Locust, one module each.

A module is pure: the files that its tool reads, its command lines, and the measurement in what it wrote. Who runs the
commands is another's affair: `drive.py` on this machine, the containers of a Job on a cluster.
"""
