"""The load generator: a process of its own, `python -m components.benchmarks.load ARGUMENTS.json`.

It pins itself before it imports anything, prepares every request before the clock starts, sends them at their times
(open loop) or as answers come (closed loop), and looks into answers only when the clock has stopped. It knows neither
Pulumi nor the command line, and it judges nothing but itself: whether the client was good enough for its figures to be
believed.
"""
