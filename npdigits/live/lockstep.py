"""Two runs that go batch by batch together: one leads, the other follows.

The one that follows tells where it has arrived, and goes on when the leader says so; the leader says so once both have
arrived and it goes on itself. So both pause at the same batch. One whose partner has ended goes on alone.
"""

import contextlib
from multiprocessing.connection import Connection

# No message is longer.
LONGEST = 16


class Partner:
    """The other run of two.

    Args:
        wire: leads to it.
        leads: whether this run leads.

    Attributes:
        wire: None once the other has ended.
    """

    def __init__(self, wire: Connection, leads: bool) -> None:
        self.wire: Connection | None = wire
        self.leads = leads
        self._arrived = self._heard = self._told = 0

    @property
    def is_there(self) -> bool:
        """Whether the other one goes on still."""
        return self.wire is not None

    @property
    def follows(self) -> bool:
        """Whether this run goes where the other one goes."""
        return self.wire is not None and not self.leads

    @property
    def is_sent(self) -> bool:
        """Whether the leader has sent this run on from where it stands: that holds where it has ended meanwhile."""
        return not self.leads and self._heard >= self._arrived

    @property
    def ready(self) -> bool:
        """Whether this run may go on, as far as the other one is concerned."""
        return self.wire is None or self._heard >= self._arrived

    def arrive(self) -> None:
        """Note that this run has come on, by a batch or by an epoch's end."""
        self._arrived += 1
        if not self.leads:
            self._tell()

    def leave(self) -> None:
        """Note that this run goes on."""
        if self.leads and self._told < self._arrived:
            self._told = self._arrived
            self._tell()

    def hear(self) -> None:
        """Read what the other one has told."""
        if self.wire is None:
            return
        try:
            self._heard = int(self.wire.recv_bytes(LONGEST))
        except (EOFError, OSError, ValueError):
            self.close()

    def close(self) -> None:
        """Let the other one go on alone."""
        if self.wire is not None:
            self.wire.close()
            self.wire = None

    def _tell(self) -> None:
        if self.wire is not None:
            with contextlib.suppress(OSError):  # that it has ended is heard
                self.wire.send_bytes(b"%d" % self._arrived)
