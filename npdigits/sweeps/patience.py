"""How long a sweep waits where nothing of it is at work, and what it says meanwhile."""

from collections.abc import Callable

from npdigits.base.errors import ClusterLostError

# Seconds without any worker after which that is said, and between two times.
SAY_AFTER, SAY_EVERY = 5.0, 60.0


class Patience:
    """Says every minute what is waited for, and loses patience.

    Args:
        wait: minutes after which it does; None: never.
        say: prints a line.
    """

    def __init__(self, wait: float | None, say: Callable[[str], None]) -> None:
        self._wait, self._say = wait, say
        self._since: float | None = None
        self._said_at = 0.0

    def busy(self) -> None:
        """Note that nothing is waited for."""
        self._since = None

    def alone(self, now: float) -> float:
        """Return the seconds for which has been waited."""
        if self._since is None:
            self._since, self._said_at = now, now + SAY_AFTER - SAY_EVERY
        return now - self._since

    def check(self, now: float, what: str, runs: int) -> None:
        """Say what is waited for, unless that was done a moment ago.

        Args:
            now: the time, in seconds.
            what: is waited for.
            runs: how many there are to do.

        Raises:
            ClusterLostError: it was waited for long enough.
        """
        seconds = self.alone(now)
        left = "1 run" if runs == 1 else f"{runs} runs"
        if self._wait is not None and seconds > 60 * self._wait:
            raise ClusterLostError(
                f"waited {self._wait:g} minutes for {what} (hydra.launcher.wait), with {left} to do: "
                "the same command goes on"
            )
        if now >= self._said_at + SAY_EVERY:
            self._said_at = now
            end = "" if self._wait is None else f", at most {self._wait:g} minutes (hydra.launcher.wait)"
            self._say(f"waiting for {what}, with {left} to do, since {seconds:.0f} s{end}")
