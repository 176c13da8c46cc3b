"""Who may ask the server of npdigits-live what, and how it begins and ends."""

import contextlib
import http.client
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest
from asked import Client
from made_runs import made_run

from npdigits.live.answers import Answers
from npdigits.live.board import Board
from npdigits.live.command import PLAIN
from npdigits.live.gate import CHANGE_HEADER, READ_HEADER, Gate, Keys
from npdigits.live.serving import listen
from npdigits.live.watcher import Watcher

HOST = "127.0.0.1:8000"
ORIGIN = f"http://{HOST}"


class Server:
    """The application over a folder with one run."""

    def __init__(self, top, keys=None):
        made_run(top / "sweep" / "<b>one</b>", 0.9, "hidden=20")
        self.board, self.keys = Board(), keys or Keys()
        self.watcher = Watcher([top], self.board, 0.1)
        self.watcher.tick()
        app = Answers(self.board, self.watcher, 0.1, self.keys).app(frozenset({HOST, "localhost:8000"}))
        self.client = Client(app, HOST)
        self.read = {READ_HEADER: self.keys.read}

    def get(self, path, **headers):
        return self.client.get(path, headers={**self.read, **headers})


@pytest.fixture
def server(tmp_path):
    return Server(tmp_path)


def test_the_page_is_one_file_that_may_ask_its_own_server_alone(server):
    found = server.client.get(f"/?token={server.keys.read}")
    assert found.status_code == 200 and found.headers["content-type"] == "text/html; charset=utf-8"
    policy = found.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'sha256-") and "connect-src 'self'" in policy
    assert "unsafe" not in policy and "*" not in policy and "frame-ancestors 'none'" in policy
    assert found.headers["cache-control"] == "no-store" and found.headers["referrer-policy"] == "no-referrer"
    assert found.headers["x-content-type-options"] == "nosniff" and "set-cookie" not in found.headers
    assert not re.search(r"""(src|href)\s*=\s*["']?(http|//)""", found.text)
    assert server.keys.read not in found.text and server.keys.change not in found.text


def test_what_has_changed_is_answered_as_data(server):
    found = server.get("/events?since=0").json()
    assert [one["name"] for one in found["rows"]] == ["sweep/<b>one</b>"]
    again = server.get(f"/events?since={found['version']}&server={found['server']}")
    assert again.status_code == 204 and again.content == b""
    # The server of before has counted otherwise.
    assert len(server.get(f"/events?since={found['version']}&server=other").json()["rows"]) == 1
    (run,) = found["order"]
    curve = server.get(f"/events?since={found['version']}&server={found['server']}&curves={run}.0.0").json()
    assert curve["curves"][run]["points"]["epoch"] == [1, 2]


def test_that_a_run_whose_curve_is_shown_is_gone_is_answered(server, tmp_path):
    found = server.get("/events?since=0").json()
    (run,) = found["order"]
    asked = f"/events?server={found['server']}&curves={run}.0.0&since="
    assert server.get(f"{asked}{found['version']}").json()["gone"] == []
    shutil.rmtree(tmp_path / "sweep")
    server.watcher._next_search = 0
    server.watcher.tick()
    found = server.get(f"{asked}{found['version']}").json()
    assert (found["gone"], found["order"]) == ([run], [])
    # Who knows all else is told, too.
    assert server.get(f"{asked}{found['version']}").json()["gone"] == [run]


@pytest.mark.parametrize(
    "path", ["/events", "/table?group=x", "/session", "/", "/nothing", "/../../etc/passwd", "/open"]
)
@pytest.mark.parametrize("token", [None, "", "wrong", "\u00e9"])
def test_without_the_token_nothing_is_told(server, path, token):
    headers = {} if token is None else {READ_HEADER: token.encode()}
    found = server.client.get(path, headers=headers)
    assert found.status_code == 403 and "one" not in found.text.replace("once", "")
    assert found.headers["content-security-policy"].startswith("default-src 'none'")


@pytest.mark.parametrize("query", ["token={0}&token={0}", "token={0}x", "Token={0}", "token={1}", "&".join("a" * 99)])
def test_the_address_has_one_token_and_that_of_reading(server, query):
    assert server.client.get("/?" + query.format(server.keys.read, server.keys.change)).status_code == 403
    assert server.client.get(f"/events?token={server.keys.read}").status_code == 403  # of the page alone


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1",
        "127.0.0.1:8001",
        "evil.example:8000",
        "127.0.0.1:8000.evil.example",
        "",
        "[::1]:8000",
    ],
)
def test_a_name_that_was_rebound_is_refused(server, host):
    assert server.get("/events", host=host).status_code == 421
    assert server.get("/events", host="localhost:8000").status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:8001"},
        {"origin": "https://127.0.0.1:8000"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},  # another server on 127.0.0.1
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"},
    ],
)
def test_another_page_may_not_ask(server, headers):
    assert server.get("/events", **headers).status_code == 403
    assert server.get("/events", origin=ORIGIN, **{"sec-fetch-site": "same-origin"}).status_code == 200


def test_the_page_may_be_opened_from_anywhere_and_embedded_nowhere(server):
    path = f"/?token={server.keys.read}"
    opened = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    assert server.client.get(path, headers=opened).status_code == 200
    for dest, mode in (("iframe", "navigate"), ("script", "no-cors"), ("empty", "cors"), ("image", "no-cors")):
        assert (
            server.client.get(path, headers={**opened, "sec-fetch-dest": dest, "sec-fetch-mode": mode}).status_code
            == 403
        )


def test_a_browser_is_let_in_once(server):
    found = server.client.get(f"/open?once={server.keys.once}")
    assert (found.status_code, found.headers["location"]) == (303, f"/?token={server.keys.read}")
    assert server.client.get(f"/open?once={server.keys.once}").status_code == 403
    assert server.client.get("/open?once=").status_code == 403


async def changed(scope, receive, send):
    """What a later part of the program may answer to a change."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"changed"})


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_a_change_needs_another_token_and_the_page_s_origin(method):
    keys = Keys()
    client = Client(Gate(changed, frozenset({HOST}), keys), HOST)
    right = {READ_HEADER: keys.read, CHANGE_HEADER: keys.change, "origin": ORIGIN}
    assert client.request(method, "/x", headers=right).status_code == 200
    for name in right:
        assert client.request(method, "/x", headers={**right, name: ""}).status_code == 403
        less = {other: value for other, value in right.items() if other != name}
        assert client.request(method, "/x", headers=less).status_code == 403
    assert client.request(method, "/x", headers={**right, CHANGE_HEADER: keys.read}).status_code == 403
    read_only = Client(Gate(changed, frozenset({HOST}), Keys(read=keys.read, change="")), HOST)
    for given in ("", keys.change):
        assert read_only.request(method, "/x", headers={**right, CHANGE_HEADER: given}).status_code == 403


def test_the_page_learns_the_token_of_changes_where_there_is_one(server, tmp_path):
    assert server.get("/session").json() == {"change": server.keys.change}
    assert Server(tmp_path / "class", Keys(change="")).get("/session").json() == {"change": ""}


@pytest.mark.parametrize(
    "query",
    [
        "group=../..&kind=../../x&sort=%00&sheet=-1",
        "since=" + "9" * 5000,
        "since=٣",
        "curves=" + "a.b.c," * 500,
        "curves=/etc/passwd.0.0,..0.0",
        "sheet=" + "9" * 14,
    ],
)
def test_what_a_page_asks_is_no_path_and_breaks_nothing(server, query):
    found = server.get(f"/events?{query}")
    assert found.status_code == 200 and found.json()["curves"] == {}
    assert server.get("/table?group=../../etc").status_code == 404


def test_the_table_comes_when_it_is_made(server):
    group = server.get("/events").json()["group_order"][0]
    until = time.monotonic() + 60
    while not (found := server.get(f"/table?group={group}").json())["columns"] and time.monotonic() < until:
        time.sleep(0.05)
    assert found["cells"][0][0] == "1" and "looking early is not a test" in found["lines"][0]


# ---- the program


class Program:
    """``npdigits-live`` in a process of its own."""

    def __init__(self, *arguments):
        command = [sys.executable, "-m", "npdigits.live", *map(str, arguments), "--no-browser"]
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell in the background ignores it
        )
        self.said = [self.process.stdout.readline().strip() for _ in range(2)]
        self.address = urlsplit(self.said[-1])

    def end(self, number=signal.SIGINT):
        """Return the exit code and what stood on standard error."""
        self.process.send_signal(number)
        return self.process.wait(30), self.process.stderr.read()


@pytest.fixture
def program(tmp_path):
    made_run(tmp_path / "runs" / "one", 0.9)
    running = Program(tmp_path / "runs")
    yield running
    running.process.kill()
    running.process.communicate()


def test_the_program_listens_at_this_machine_and_ends_on_ctrl_c(program):
    host, port = program.address.hostname, program.address.port
    assert host == "127.0.0.1"
    raw = socket.create_connection((host, port))
    raw.sendall(b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n")
    assert raw.recv(100).startswith(b"HTTP/1.1 421")
    raw.close()
    for lines in (
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"\x16\x03\x01\x00\r\n\r\n",
    ):
        with socket.create_connection((host, port)) as raw:
            raw.sendall(lines)
            assert re.match(rb"HTTP/1.1 4\d\d", raw.recv(100))
    with socket.create_connection((host, port)) as raw:  # any other port's page has no answer, a proxy's form neither
        raw.sendall(b"GET http://evil.example/ HTTP/1.1\r\nHost: %s:%d\r\n\r\n" % (host.encode(), port))
        assert b"200 OK" not in raw.recv(100)
    idle = socket.create_connection((host, port))  # a tab that stays open holds up no end
    asked = http.client.HTTPConnection(host, port)
    asked.request("GET", f"/?{program.address.query}")
    with idle, contextlib.closing(asked), asked.getresponse() as found:
        assert found.status == 200 and len(found.read()) > 10_000
        assert program.end() == (130, "npdigits.live: interrupted\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--host", "0.0.0.0"], "--host 0.0.0.0: allowed is 127.0.0.1; --classroom ADDRESS shows"),
        (["--classroom", "0.0.0.0"], "--classroom 0.0.0.0: allowed is an address of this machine in the local network"),
        (["--classroom", "8.8.8.8"], "--classroom 8.8.8.8: allowed is"),
        (["--classroom", "teacher"], "--classroom teacher: allowed is"),
        (["--classroom", "192.0.2.1"], "192.0.2.1: "),
        (["--port", "0"], "0: allowed are whole numbers from 1 to 65535"),
        (["nowhere"], "nowhere: there is no such folder"),
    ],
)
def test_what_makes_no_sense_is_one_line(monkeypatch, capsys, arguments, said):
    from npdigits.live import command

    monkeypatch.setattr(sys, "argv", ["npdigits-live", *arguments])
    monkeypatch.setattr("npdigits.live.command.serve", lambda *_: pytest.fail("it serves"))
    with pytest.raises(SystemExit) as end:
        command.main()
    err = capsys.readouterr().err
    assert end.value.code == 2 and said in err and err.count("\n") == 1


def test_what_is_missing_is_said_with_how_to_install_it(monkeypatch, capsys, tmp_path):
    from npdigits.live import command

    monkeypatch.setattr(sys, "argv", ["npdigits-live", str(tmp_path)])
    monkeypatch.setattr("npdigits.live.command.NEEDED", ("starlette", "no_such_package"))
    with pytest.raises(SystemExit) as end:
        command.main()
    assert end.value.code == 2
    assert capsys.readouterr().err == 'npdigits.live: no_such_package not installed: pip install "npdigits[live]"\n'


def test_at_port_80_a_browser_names_no_port(tmp_path):
    from npdigits.live.command import Site

    site = Site(SimpleNamespace(getsockname=lambda: ("127.0.0.1", 80)), False, "/")
    app = site.app(Board(), Watcher([tmp_path], Board(), 0.1), None, [])
    for host in ("127.0.0.1", "localhost", "127.0.0.1:80"):
        client = Client(app, host, {READ_HEADER: site.keys.read, "origin": f"http://{host}"})
        assert client.get("/session").status_code == 200
    assert Client(app, "127.0.0.1:8000", {READ_HEADER: site.keys.read}).get("/session").status_code == 421
    other = Site(SimpleNamespace(getsockname=lambda: ("127.0.0.1", 8000)), False, "/")
    app = other.app(Board(), Watcher([tmp_path], Board(), 0.1), None, [])
    assert Client(app, "127.0.0.1", {READ_HEADER: other.keys.read}).get("/session").status_code == 421


def test_a_laptop_that_is_closed_or_leaves_the_network_holds_no_connection_for_ever():
    with listen("127.0.0.1", 0) as bound, socket.create_connection(bound.getsockname()[:2]) as laptop:
        accepted, _ = bound.accept()
        with accepted:
            assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            if hasattr(socket, "TCP_KEEPIDLE"):
                assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) <= 120
        assert laptop.recv(1) == b""


@pytest.mark.parametrize(
    ("out", "said"),
    [("learn/one", ", and what is trained here in {top}/learn/one;"), ("runs/one", "watching {top}/runs;")],
)
def test_that_a_run_is_watched_that_lies_elsewhere_is_said(monkeypatch, capsys, tmp_path, out, said):
    from npdigits.live import command

    (tmp_path / "runs").mkdir()
    monkeypatch.setattr("npdigits.live.command.Session.begin", lambda *_: None)
    monkeypatch.setattr("npdigits.live.command.serve", lambda app, bound, ready: ready())
    monkeypatch.setattr(
        sys, "argv", ["npdigits-live", str(tmp_path / "runs"), f"out={tmp_path / out}", "hidden=5", "--no-browser"]
    )
    with pytest.raises(SystemExit):
        command.main()
    assert said.format(top=tmp_path) in capsys.readouterr().out


def test_a_port_that_is_taken_is_said(monkeypatch, capsys, tmp_path):
    from npdigits.live import command

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setattr(sys, "argv", ["npdigits-live", str(tmp_path), "--port", str(port)])
        with pytest.raises(SystemExit) as end:
            command.main()
    assert end.value.code == 2 and f"--port {port}: " in capsys.readouterr().err


def test_to_a_class_it_is_shown_to_be_read(monkeypatch, capsys, tmp_path):
    from npdigits.live import command

    made_run(tmp_path / "one", 0.9)
    found = {}

    def serve(app, bound, ready):
        ready()
        port = bound[0].getsockname()[1]
        host = f"127.0.0.1:{port}"
        token = re.search(r"token=(\S+)", capsys.readouterr().out)[1]
        client = Client(app, host, {READ_HEADER: token, "origin": f"http://{host}"})
        found["page"] = client.get("/").text
        found["session"] = client.get("/session").json()
        found["post"] = client.request("POST", "/events").status_code

    monkeypatch.setattr("npdigits.live.command.serve", serve)
    monkeypatch.setattr(sys, "argv", ["npdigits-live", str(tmp_path), "--classroom", "127.0.0.1", "--no-browser"])
    with pytest.raises(SystemExit) as end:
        command.main()
    assert end.value.code == 0 and found["session"] == {"change": ""} and found["post"] == 403
    assert PLAIN in found["page"] and '"tick":200' in found["page"]


def test_who_lists_processes_sees_no_token(monkeypatch, tmp_path):
    from npdigits.live import command

    opened = []
    monkeypatch.setattr("npdigits.live.command.open_browser", lambda address, can: opened.append(address))
    monkeypatch.setattr("npdigits.live.command.serve", lambda app, bound, ready: ready())
    monkeypatch.setattr(sys, "argv", ["npdigits-live", str(tmp_path)])
    with pytest.raises(SystemExit):
        command.main()
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/open\?once=[\w-]{32}", opened[0]) and "token" not in opened[0]


def test_without_a_screen_no_browser_is_opened(monkeypatch):
    from npdigits.live import command, serving

    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    if sys.platform.startswith("linux"):
        assert not command._has_screen()
    monkeypatch.setattr(serving.webbrowser, "open", lambda address: pytest.fail("it opens one"))
    serving.open_browser("http://127.0.0.1:1/", False)
