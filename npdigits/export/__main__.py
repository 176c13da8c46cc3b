"""``python -m npdigits.export``."""

from npdigits.export.command import main

if __name__ == "__main__":
    main()
