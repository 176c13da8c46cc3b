"""The benchmark against the frameworks; `python experiments/benchmark.py` runs it."""
