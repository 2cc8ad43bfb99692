"""Measures Chasqui and draws what came of it: what tests/load/embedded.py and tests/load/cluster.py share."""
