"""The report: stored results as one HTML file that needs nothing else."""

from components.benchmarks.report.page import render

__all__ = ["render"]
