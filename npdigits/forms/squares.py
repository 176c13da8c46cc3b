"""Whether a set's pictures are taken as they are: small squares of one size, but for what is no picture of a digit.

A picture that would be left out when it is brought to MNIST's form, as a blank one, does not decide about the others.
"""

from collections.abc import Callable

from npdigits.base.text import counted

# A picture's height and width; None: it is no small square in shades of grey.
Size = tuple[int, ...] | None

# Of a set's pictures, so many that are of another size are few; more than MOST would take too long to try one by one.
FEW, MOST = 0.01, 200
# Squares of the most frequent size that are tried, where there are others. Of more, the rest is taken for digits.
MOST_TRIED = 20


class Squares:
    """Counts pictures by their size, and how many of them decide that all are brought to MNIST's form.

    Attributes:
        reasons: why a picture would be left out then, by its number, of those that were tried.
        others: how many pictures are of another size than the most frequent one, and would not be left out.

    Args:
        total: how many pictures there are.
        form: brings a picture to MNIST's form, by its number; returns why it cannot, else "".
    """

    def __init__(self, total: int, form: Callable[[int], str]) -> None:
        self.reasons: dict[int, str] = {}
        self.others = 0
        self._few, self._form = min(int(total * FEW), MOST), form
        self._seen: dict[Size, list[int]] = {}
        self._tried: dict[Size, int] = {}
        self._left_out: dict[Size, int] = {}

    @property
    def common(self) -> Size:
        """The most frequent size of squares, of those that are not known to be left out; None where there is none."""
        sizes = [size for size in self._seen if size is not None]
        return max(sizes, key=self._standing) if sizes else None

    @property
    def are_many(self) -> bool:
        """Whether the pictures of other sizes are more than a few."""
        return self.others > self._few

    @property
    def first(self) -> int | None:
        """The number of the first picture that decides; None where there is none."""
        common = self.common
        others = (numbers for size, numbers in self._seen.items() if size != common or size is None)
        return min((i for numbers in others for i in numbers if i not in self.reasons), default=None)

    def add(self, number: int, size: Size) -> None:
        """Count a picture."""
        self._seen.setdefault(size, []).append(number)
        if size is None or (len(self._seen) > 1 and size != self.common):
            self._weigh()

    def warning(self, name: str, total: int) -> str:
        """Return what is said where a few pictures decide about all.

        Args:
            name: of the first one.
            total: how many there are.
        """
        few = counted(self.others, "picture is", "pictures are")
        return (
            f"{few} no small grey square of the size of the {total - self.others:,} others, such as {name}: so all are "
            "brought to MNIST's form; without such all others are taken as they are"
        )

    def _standing(self, size: Size) -> int:
        return len(self._seen[size]) - self._left_out.get(size, 0)

    def _weigh(self) -> None:
        """Try the pictures that could decide."""
        common = None
        while common != self.common:
            common = self.common
            self._try(common, MOST_TRIED)
        others = [size for size in self._seen if size != common or size is None]
        for size in others:
            self._try(size)
        self.others = sum(map(self._standing, others))

    def _try(self, size: Size, most: int | None = None) -> None:
        """Try those of a size that have not been tried; the first ones of them alone where ``most`` is given."""
        begin = self._tried.get(size, 0)
        for number in self._seen[size][begin:most]:
            if reason := self._form(number):
                self.reasons[number] = reason
                self._left_out[size] = self._left_out.get(size, 0) + 1
        self._tried[size] = max(begin, len(self._seen[size][:most]))
