"""Examples of Hypothesis may take as long as a busy machine needs; the time limit of a test is pytest's."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("patient", deadline=None)
settings.load_profile("patient")
