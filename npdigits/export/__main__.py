"""``python -m npdigits.export``."""

from npdigits.base.start import start

if __name__ == "__main__":
    start("npdigits.export", "npdigits.export.command")
