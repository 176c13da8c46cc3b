"""Compare runs: ``python experiments/compare.py outputs/width …``, the same as ``npdigits-compare``."""

from npdigits.compare.command import main

if __name__ == "__main__":
    main()
