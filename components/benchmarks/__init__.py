"""Load generation, results, verdicts, comparison and reports."""
