"""An HTTP server on this machine in the place of MNIST's mirrors: a good one, and others."""

import contextlib
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from made import original_files


class Mirror(ThreadingHTTPServer):
    """A URL's first folder says how it answers: by the method of ``Answer`` with that name.

    Attributes:
        url: without a slash at its end.
        asked: (answer, file, whether only the head is read, when), one a request.
        left: set when a client of ``silent`` is gone.
        closing: ends what would last for ever.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.asked: list[tuple[str, str, bool, float]] = []
        self.left, self.closing = threading.Event(), threading.Event()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def server_close(self) -> None:
        self.closing.set()
        self.shutdown()
        super().server_close()


class Answer(BaseHTTPRequestHandler):
    server: Mirror

    def do_GET(self):
        answer, name = self.path.strip("/").split("/")
        # torchvision asks twice: the first time, to follow redirects, it leaves after the head.
        self.head_only = self.headers.get("Method") == "HEAD"
        self.server.asked.append((answer, name, self.head_only, time.monotonic()))
        getattr(self, answer)(name)

    def good(self, name):
        self._give((original_files()[0] / "MNIST" / "raw" / name).read_bytes())

    def missing(self, name):
        """Three of the four files are good, where the originals are there."""
        if original_files()[1] or name.startswith("t10k-labels"):
            self.send_error(404)
        else:
            self.good(name)

    def rubbish(self, name):
        self._give(b"<html>Please log in to this hotel's network.</html>")

    def half(self, name):
        self._give(bytes(50_000), declared=100_000)

    def silent(self, name):
        self.connection.recv(1)  # returns when the other side is gone
        self.server.left.set()

    def drip(self, name):
        """One byte a second."""
        self._give(b"", declared=100_000)
        while not self.head_only and not self.server.closing.wait(1.0):
            self.wfile.write(b"\0")

    def _give(self, content, declared=None):
        self.send_response(200)
        self.send_header("Content-Length", str(declared or len(content)))
        self.end_headers()
        if not self.head_only:
            self.wfile.write(content)

    def handle(self):
        with contextlib.suppress(ConnectionError):  # the other side gives up, as it should
            super().handle()

    def log_message(self, *_):
        pass
