"""Fetch, verify, train, convert, quantize; the model store."""
