"""Engines: what plans a program and makes it so."""
