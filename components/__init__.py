"""What can be built: components that declare resources, and the workers that do the work.

Knows schemas; never the command line.
"""
