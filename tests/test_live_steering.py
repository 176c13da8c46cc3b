"""What the server answers about the training, and who may order it."""

import json
import re
import sys

import pytest
from asked import Client
from test_live_training import Page, ended, seen

from npdigits.live.answers import Answers
from npdigits.live.board import Board
from npdigits.live.gate import CHANGE_HEADER, READ_HEADER, Keys
from npdigits.live.session import Session
from npdigits.live.steering import MOST_BYTES, Steering
from npdigits.live.watcher import Watcher

HOST = "127.0.0.1:8000"


class Server:
    """The application with a session, and who may ask it."""

    def __init__(self, folder, typed, keys=None, session=None):
        self.keys, board = keys or Keys(), Board()
        self.session = session or Session(str(folder / "live"))
        steering = Steering(self.session, typed, {"tick": 100, "says": ""})
        watcher = Watcher([folder], board, 0.1)
        app = Answers(board, watcher, 0.1, self.keys, "", (steering, True)).app(frozenset({HOST}))
        self.client = Client(app, HOST, {READ_HEADER: self.keys.read, "origin": f"http://{HOST}"})

    def post(self, path, order, **headers):
        body = order if isinstance(order, bytes) else json.dumps(order).encode()
        return self.client.request("POST", path, {CHANGE_HEADER: self.keys.change, **headers}, body)


@pytest.fixture
def server(tmp_path, idx_set):
    keys = ("hidden=5", "epochs=2", "plots=false", "threads=1", "stop_on=none")
    server = Server(tmp_path, ["data=idx", f"data.dir={idx_set}", *keys])
    yield server
    server.session.end()


def test_a_training_is_begun_ordered_and_seen(server):
    assert server.client.get("/training?training=&since=0").status_code == 204
    assert server.post("/training/begin", {"networks": [{"lr": 0.1}]}).status_code == 204
    page = Page(server.session)
    page.until(seen(0))
    found = server.client.get("/training").json()
    assert found["settings"][0]["lr"] == 0.1 and found["speed"] == 20
    (network,) = found["networks"]
    assert network["look"]["batches"] == 0 and network["state"]["shape"] == [8, 7]
    again = f"/training?training={found['training']}&since={found['version']}&points=0.{len(network['points'])}"
    assert server.client.get(again).status_code == 204
    (answer,) = server.client.get("/training/read?image=" + "AAAA" * 18 + "AAA=").json()
    assert answer["probabilities"] is not None and len(answer["first"]) == 5
    assert server.post("/training/order", {"speed": None}).status_code == 204
    assert server.post("/training/order", {"do": "go"}).status_code == 204
    (one,) = page.until(ended)
    assert one["state"]["status"] == "finished"
    assert server.client.get("/train").status_code == 200


@pytest.mark.parametrize(
    ("path", "order", "said"),
    [
        ("order", {"do": "end"}, "do='end': allowed is go, pause, batch or epoch"),
        ("order", {"do": ["go"]}, "do=['go']: allowed is go"),
        ("order", {"do": "go", "out": "x"}, "allowed is a table with do"),
        ("order", [], "[]: allowed is a table with do"),
        ("order", {"do": "go"}, "nothing is trained: begin first"),
        ("order", {"speed": 0}, "speed=0: allowed is null, or a number from 0.1 to 10,000 batches a second"),
        ("order", {"speed": 10**400}, "allowed is null, or a number from"),
        ("order", {"speed": True}, "speed=True: allowed is"),
        ("order", {"speed": 5, "do": "go"}, "allowed is a table with speed"),
        ("order", b'{"do": "go", "do": "pause"}', "no JSON as allowed"),
        ("order", b'{"speed": NaN}', "no JSON as allowed"),
        ("order", b"", "no JSON as allowed"),
        ("order", b"\xff", "no JSON as allowed"),
        ("order", b"[" * MOST_BYTES, "no JSON as allowed"),
        ("begin", {"networks": [{"out": "/tmp/x"}]}, "'out': allowed on the page are"),
        ("begin", {"networks": [{"activation": "mine.py:swish"}]}, "allowed on the page is one of"),
        ("begin", {"networks": [{}], "out": "/tmp/x"}, "allowed is a table with networks"),
        ("begin", {"networks": [{"lr": 1e400}]}, "no JSON as allowed"),
    ],
)
def test_an_order_that_makes_no_sense_is_refused_in_one_line(server, path, order, said):
    found = server.post(f"/training/{path}", order)
    assert found.status_code == 400 and said in found.text and found.text.count("\n") == 1
    assert server.session._processes == []


def test_what_is_too_long_or_no_picture_is_refused(server):
    assert server.post("/training/order", b" " * (MOST_BYTES + 1)).status_code == 413
    for image in ("", "****", "A" * 6000, "AAA"):
        assert server.client.get(f"/training/read?image={image}").status_code == 400
    assert server.client.get("/training?points=" + "9.9," * 500 + "&since=x").status_code == 204
    assert server.client.get("/training/order").status_code == 405


@pytest.mark.parametrize("path", ["/training/begin", "/training/order"])
def test_who_may_only_read_orders_nothing_and_sees_all(server, tmp_path, path):
    assert server.post(path, {"do": "go"}, **{CHANGE_HEADER: ""}).status_code == 403
    assert server.post(path, {"do": "go"}, **{CHANGE_HEADER: server.keys.read}).status_code == 403
    assert server.post(path, {"do": "go"}, origin="http://evil.example").status_code == 403
    assert server.post(path, {"do": "go"}, **{READ_HEADER: ""}).status_code == 403
    shown = Server(tmp_path, ["hidden=5"], Keys(change=""), server.session)
    assert shown.post(path, {"networks": [{}]}).status_code == 403
    assert shown.client.get("/session").json() == {"change": ""}
    assert shown.client.get("/train").status_code == 200 and shown.client.get("/training?training=x").status_code == 200


def test_the_page_is_one_file_that_may_ask_its_own_server_alone(server):
    found = server.client.get(f"/train?token={server.keys.read}", headers={READ_HEADER: None})
    policy = found.headers["content-security-policy"]
    assert found.status_code == 200 and "connect-src 'self'" in policy and "unsafe" not in policy
    assert not re.search(r"""(src|href)\s*=\s*["']?(http|//)""", found.text)
    assert server.keys.read not in found.text and server.keys.change not in found.text
    assert server.client.get("/train", headers={READ_HEADER: "wrong"}).status_code == 403


def test_what_is_typed_is_begun_and_a_class_sees_it_while_this_machine_steers(monkeypatch, capsys, tmp_path, idx_set):
    from npdigits.live import command

    found = {}

    def serve(app, bound, ready):
        ready()
        said = capsys.readouterr().out
        places = [one.getsockname() for one in bound]
        for (address, port), name in zip(places, ("class", "teacher"), strict=True):
            token = re.search(rf":{port}/train\?token=(\S+)", said)[1]
            client = Client(app, f"{address}:{port}", {READ_HEADER: token, "origin": f"http://{address}:{port}"})
            client.server = address, port
            change = client.get("/session").json()["change"]
            order = client.request("POST", "/training/order", {CHANGE_HEADER: change}, b'{"do": "pause"}')
            found[name] = bool(change), order.status_code, client.get("/training?training=x").json()["networks"][0]

    monkeypatch.setattr("npdigits.live.command.serve", serve)
    typed = [f"data.dir={idx_set}", "data=idx", "hidden=5", f"out={tmp_path / 'run'}", "plots=false"]
    monkeypatch.setattr(
        sys, "argv", ["npdigits-live", str(tmp_path), *typed, "--classroom", "127.0.0.1", "--no-browser"]
    )
    with pytest.raises(SystemExit) as end:
        command.main()
    assert end.value.code == 0, capsys.readouterr().err
    assert found["class"][:2] == (False, 403) and found["teacher"][:2] == (True, 204)
    assert found["class"][2]["state"]["is"] in ("preparing", "training")


@pytest.mark.parametrize("typed", ["lr=0", "resume=x", "hiden=20", "lr=0.1,0.2"])
def test_what_is_typed_wrongly_is_one_line(monkeypatch, capsys, typed):
    from npdigits.live import command

    monkeypatch.setattr("npdigits.live.command.serve", lambda *_: pytest.fail("it serves"))
    monkeypatch.setattr(sys, "argv", ["npdigits-live", typed, "--no-browser"])
    with pytest.raises(SystemExit) as end:
        command.main()
    err = capsys.readouterr().err
    assert end.value.code == 2 and err.count("\n") == 1 and typed.partition("=")[0] in err
