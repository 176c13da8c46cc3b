"""``python -m npdigits.live``: the program ``npdigits-live``."""

from npdigits.base.start import start

if __name__ == "__main__":
    start("npdigits.live", "npdigits.live.command")
