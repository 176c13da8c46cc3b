"""``python -m npdigits.data``."""

from npdigits.base.start import start

if __name__ == "__main__":
    start("npdigits.data", "npdigits.data.command")
