"""Measure this machine: `python -m splicebert.benchmark`."""
