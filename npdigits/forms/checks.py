"""What a data set can hardly be: inverted values, labels that are no classes, test digits among the training digits."""

from npdigits.data.sets import Data


def doubts(data: Data) -> list[str]:
    """Return a line for each thing about a data set that is probably not as the user means it."""
    return []
