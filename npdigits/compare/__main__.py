"""``python -m npdigits.compare``: the same as ``npdigits-compare``."""

from npdigits.base.start import start

if __name__ == "__main__":
    start("npdigits-compare", "npdigits.compare.command")
