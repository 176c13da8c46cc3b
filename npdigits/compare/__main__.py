"""``python -m npdigits.compare``: the same as ``npdigits-compare``."""

from npdigits.compare.command import main

if __name__ == "__main__":
    main()
