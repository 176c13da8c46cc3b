"""Event files of TensorBoard and run files of W&B: what is read is what was logged."""

import json
import math
import random
import shutil
import struct
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent / "sources"))

import toy

from npdigits.base.errors import ConfigError
from npdigits.sources import event_files, event_scalars, tensorboard, wandb, wandb_files, wire
from npdigits.sources.found import FAILED, FINISHED, RUNNING
from npdigits.sources.reading import read_source

FILES = Path(__file__).parent / "sources" / "files"
EVENTS = FILES / "tensorboard"
ONE = Path("run-0", "events.out.tfevents.1700000000.somewhere.1.0")


def history(found, metric, run):
    """Return the (step, value) pairs of a run, in their order."""
    table = found.history(metric)
    return [(step, value) for index, step, value in table.itertuples(index=False) if index == run]


def assert_toy(found, order, single, name=lambda metric: metric):
    """Assert that a source holds the toy's runs: figures, steps and settings; ``order``: of each run its position."""
    kind = np.float32 if single else np.float64
    for run, position in zip(toy.runs(), order, strict=True):
        for metric in ("train_loss", "val_loss", "val_acc"):
            expected = [(float(epoch), float(kind(figures[metric]))) for epoch, figures in run["history"]]
            assert history(found, name(metric), position) == expected
            assert found.last(name(metric))[position] == expected[-1][1]
        assert {key: found.settings[position].get(key) for key in ("lr", "width", "seed")} == {
            key: run["settings"][key] for key in ("lr", "width", "seed")
        }
        assert all(type(found.settings[position][key]) is int for key in ("width", "seed"))
    assert all((name(metric) in found.single) == single for metric in ("train_loss", "val_loss", "val_acc"))


def order_by_name(found, names):
    return [next(i for i, name in enumerate(found.names) if Path(name).name == each) for each in names]


def test_curves_of_torch_are_joined_to_the_settings_of_add_hparams():
    found = read_source(EVENTS / "torch", None, pytest.fail)
    assert_toy(found, order_by_name(found, [run["name"] for run in toy.runs()]), single=True)
    assert found.metrics == ["train_loss", "val_loss", "val_acc", "hparam/best_acc"]
    assert [len(history(found, "hparam/best_acc", run)) for run in range(12)] == [1] * 12
    assert found.settings[0]["optimizer"] == "sgd"
    assert found.settings[0]["nesterov"] == 1  # torch writes True as the number 1
    assert set(found.statuses) == {FINISHED}
    assert found.skipped == []
    assert "24 folders are 12 runs" in found.remarks[0]


def test_doubles_are_read_whole_and_settings_from_names():
    found = read_source(EVENTS / "doubles", "tensorboard", pytest.fail)
    names = [",".join(f"{k}={run['settings'][k]}" for k in ("lr", "width", "seed")) for run in toy.runs()]
    assert_toy(found, order_by_name(found, names), single=False)
    assert found.remarks == ["There are no hparams; settings are read from the names of the folders"]


def test_train_and_validation_in_folders_are_one_run():
    found = read_source(EVENTS / "tensors", None, pytest.fail)
    order = order_by_name(found, [run["name"] for run in toy.runs()])
    assert_toy(found, order, True, lambda metric: f"{'train' if metric == 'train_loss' else 'validation'}/{metric}")
    assert [found.statuses[at] for at in order] == [FAILED if number == 3 else FINISHED for number in range(12)]
    assert found.reasons[order[3]] == "its hparams say that it failed"


def test_restarted_runs_are_read_as_tensorboard_shows_them():
    found = read_source(EVENTS / "restarts", None, pytest.fail)
    expected = json.loads((EVENTS / "restarts" / "expected.json").read_text())
    names = [Path(name).name for name in found.names]
    assert names == ["kinds", "plain", "purged", "tensors"]
    for name in ("purged", "kinds"):
        for tag, pairs in expected[name].items():
            assert repr(history(found, tag, names.index(name))) == repr([(float(s), v) for s, v in pairs]), tag
    assert history(found, "loss/both/train", 0) == [(1.0, 0.5), (2.0, float(np.float32(0.4)))]
    # Without purge_step the EventAccumulator gives both; what TensorBoard shows is of its data server, which does not.
    loss = dict(expected)["plain"]["loss"]
    assert history(found, "loss", 1) == [(float(step), value) for step, value in loss[:3] + loss[6:]]
    assert len(history(found, "other", 1)) == 6
    assert "Where a run was begun again" in " ".join(found.remarks)
    assert "10 values, in 2 runs" in " ".join(found.remarks)


def test_numbers_of_every_type_of_tensor_are_read():
    found = read_source(EVENTS / "restarts" / "tensors", None, pytest.fail)
    for kind in ("half", "float", "double", "int", "long"):
        for form in ("scalar", "array", "content"):
            assert history(found, f"{kind}/{form}", 0) == [(1.0, 3.25 if kind in ("half", "float", "double") else 3.0)]
            assert (f"{kind}/{form}" in found.single) == (kind in ("half", "float"))
        assert f"{kind}/vector" not in found.metrics


def test_one_file_is_a_source():
    found = read_source(EVENTS / "torch" / ONE, None, pytest.fail)
    assert len(found.names) == 1
    assert len(history(found, "val_acc", 0)) == 3


def framed(data):
    """Return a record as TensorFlow frames it, its checksums by a plain implementation."""
    head = struct.pack("<Q", len(data))
    return head + struct.pack("<I", plain_crc(head)) + data + struct.pack("<I", plain_crc(data))


def plain_crc(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def test_checksums_are_those_of_a_plain_implementation():
    # The check value of CRC-32C in Koopman's and others' catalogues: of "123456789" it is e3069283.
    assert plain_crc(b"123456789") == ((0xE3069283 >> 15 | 0xE3069283 << 17) + 0xA282EAD8) & 0xFFFFFFFF
    random_bytes = random.Random(1).randbytes(600)
    starts, lengths = np.array([0, 5, 100, 7, 0]), np.array([9, 0, 500, 1, 600])
    crcs = event_files.masked_crcs(np.frombuffer(random_bytes, np.uint8), starts, lengths)
    assert crcs.tolist() == [plain_crc(random_bytes[s : s + n]) for s, n in zip(starts, lengths, strict=True)]


def test_short_way_through_an_event_gives_the_same():
    records = list(event_files.read_records(EVENTS / "torch" / ONE, []))
    ways = [(event_files.parse_usual(record), event_files.parse_any(record)) for record in records]
    assert [usual for usual, _ in ways[1:]] == [whole for _, whole in ways[1:]]
    assert len(ways) == 10


@pytest.fixture
def torn(tmp_path):
    """Return what writes a run's event file whose bytes were changed, and reads it."""

    def write_and_read(change):
        content = (EVENTS / "torch" / ONE).read_bytes()
        (tmp_path / "run").mkdir(exist_ok=True)
        (tmp_path / "run" / ONE.name).write_bytes(change(content))
        return tensorboard.read(tmp_path / "run")

    return write_and_read


def test_torn_end_is_named_and_the_rest_read(torn):
    for lost in (1, 4, 20, 43):
        found = torn(lambda content, lost=lost: content[:-lost])
        assert found.statuses == [RUNNING]
        assert "cut off" in found.reasons[0]
        assert len(history(found, "train_loss", 0)) == 3
        assert len(history(found, "val_acc", 0)) == 2


def test_damaged_record_is_left_out_and_the_rest_read(torn):
    found = torn(lambda content: content[:-60] + bytes([content[-60] ^ 1]) + content[-59:])
    assert sum(len(found.history(metric)) for metric in found.metrics) == 8
    assert found.skipped[0][1] == "1 damaged records are left out"


def test_nothing_is_read_behind_a_damaged_length(torn):
    found = torn(lambda content: content + framed(b"")[:4] + b"\1" + framed(b"")[5:] + content)
    assert sum(len(found.history(metric)) for metric in found.metrics) == 9
    assert "length is damaged" in found.skipped[0][1]


def test_record_that_is_said_to_be_huge_takes_no_memory(torn):
    head = struct.pack("<Q", 2**50)
    found = torn(lambda content: content + head + struct.pack("<I", plain_crc(head)) + bytes(50))
    assert "at most 268,435,456 are read" in found.skipped[0][1]


def test_files_that_are_no_event_files(tmp_path):
    (tmp_path / "events.out.tfevents.1").write_bytes(b"")
    (tmp_path / "events.out.tfevents.2").write_text("lr,acc\n1,2\n")
    assert not tensorboard.recognizes(tmp_path)
    with pytest.raises(ConfigError, match="no scalars"):
        tensorboard.read(tmp_path)
    assert not tensorboard.recognizes(tmp_path / "nothing")


def test_links_out_of_the_source_are_not_followed(tmp_path):
    shutil.copytree(EVENTS / "torch" / "run-0", tmp_path / "runs" / "own")
    (tmp_path / "runs" / "a").mkdir()
    (tmp_path / "runs" / "a" / "tfevents.link").symlink_to(EVENTS / "torch" / ONE)
    (tmp_path / "runs" / "b").symlink_to(EVENTS / "torch", target_is_directory=True)
    found = tensorboard.read(tmp_path / "runs")
    assert [Path(name).name for name in found.names] == ["own"]
    assert "a link" in found.skipped[0][1]


def test_damaged_event_files_never_raise_anything_else(tmp_path):
    chance = random.Random(27)
    files = [EVENTS / "torch" / ONE, next((EVENTS / "torch" / "run-0" / "end").iterdir())]
    files.append(next((EVENTS / "restarts" / "tensors").iterdir()))
    for turn in range(200):
        records = list(event_files.read_records(files[turn % 3], []))
        which = chance.randrange(1, len(records))
        data = bytearray(records[which])
        for _ in range(chance.randrange(1, 4)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        # Framed anew without its sums: what is tested is what comes behind these.
        event = event_files.parse_event if turn % 2 else event_files.parse_any
        try:
            events = [event(bytes(data))]
        except ValueError:
            continue
        event_scalars.add_events(event_scalars.Folder(), events)
    content = bytearray(files[0].read_bytes())
    file = tmp_path / "events.out.tfevents.1"
    for _ in range(50):
        damaged = content[: chance.randrange(len(content))]
        for _ in range(chance.randrange(3)):
            damaged[chance.randrange(len(damaged) or 1) if damaged else 0 :] = chance.randbytes(3)
        file.write_bytes(damaged)
        try:
            tensorboard.read(tmp_path)
        except ConfigError as error:
            assert "\n" not in str(error)


def test_varints_that_are_cut_off_or_too_long_are_refused():
    for data in (b"\x80", b"\x08", b"\x08\x80", b"\x08" + b"\xff" * 11, b"\x12\x05abc", b"\x09abc", b"\x0b", b"\x12"):
        with pytest.raises(ValueError, match=r"cut off|unknown form"):
            wire.read_fields(data)
    assert wire.read_fields(b"\x08\xac\x02\x12\x03abc") == [(1, 0, 300), (2, 2, b"abc")]
    assert wire.signed(2**64 - 3) == -3
    assert math.isnan(wire.as_double(struct.pack("<f", math.nan)))


WANDB = FILES / "wandb"


def test_offline_runs_of_wandb_are_read():
    found = read_source(WANDB / "toys", None, pytest.fail)
    ids = [Path(name.split(" ")[0]).name.split("-", 3)[3] for name in found.names]
    assert_toy(found, [ids.index(run["name"]) for run in toy.runs()], single=False)
    assert found.metrics == ["train_loss", "val_acc", "val_loss"]
    assert set(found.statuses) == {FINISHED}
    assert (found.skipped, found.remarks) == ([], [])
    assert found.names[0].endswith("(run-0)")


@pytest.fixture(scope="module")
def odd():
    found = wandb.read(WANDB / "odd")
    return found, {Path(name.split(" ")[0]).name.split("-", 3)[3]: run for run, name in enumerate(found.names)}


def test_odd_numbers_of_wandb(odd):
    found, runs = odd
    run = runs["numbers"]
    assert repr([history(found, name, run) for name in ("nan", "inf", "ninf", "int")]) == repr(
        [[(0.0, value)] for value in (math.nan, math.inf, -math.inf, 3.0)]
    )
    assert history(found, "nested.b.c", run) == [(1.0, 2.0)]
    assert history(found, "one", run) == [(10.0, 1.0), (11.0, 3.0)]
    assert history(found, "two", run) == [(10.0, 2.0)]
    assert repr(history(found, "test_acc", run)) == "[(nan, 0.75)]"
    # What is no number, and what W&B itself ignored, as its step was gone by.
    assert not {"true", "text", "list", "back", "_runtime", "_timestamp"} & set(found.metrics)
    assert found.settings[run] == {
        "lr": 0.2,
        "late": 1,
        "gone": 1,
        "optimizer.name": "sgd",
        "optimizer.betas": "[0.9,0.999]",
        "flag": True,
        "none": None,
        "text": "0.1",
        "infinite": "inf",
    }


def test_steps_are_those_of_define_metric(odd):
    found, runs = odd
    assert history(found, "val/acc", runs["axes"]) == [(0.0, 0.0), (100.0, 0.25), (200.0, 0.5)]
    assert history(found, "acc", runs["axes"]) == [(0.0, 0.5), (1.0, 0.75), (2.0, 0.25)]
    assert found.last("acc.max")[runs["axes"]] == 0.75
    assert "val/acc by global_step" in " ".join(found.remarks)
    assert found.settings[runs["axes"]]["job_type"] == "train"


def test_ends_of_wandb_runs_are_told(odd):
    found, runs = odd
    told = {name: (found.statuses[run], found.reasons[run]) for name, run in runs.items()}
    assert told["axes"] == (FAILED, "exit code 3")
    assert told["late"][0] == RUNNING
    assert told["numbers"] == (FINISHED, "")
    steps = history(found, "acc", runs["late"])
    assert 10 < len(steps) < 200
    assert steps == [(float(step), step / 256) for step in range(len(steps))]
    # Killed seconds after it logged three times, in a file of seven bytes: W&B writes blocks of 32 KiB.
    assert "early" not in runs
    assert [why for place, why in found.skipped if "early" in place] == [
        "it holds no run: it was killed before anything was written"
    ]


def test_resumed_run_is_one_and_its_later_values_replace(odd):
    found, runs = odd
    assert history(found, "acc", runs["resumed"]) == [(0.0, 1.0), (1.0, 1.25)]
    assert len(history(found, "only 0", runs["resumed"])) == 3
    assert "3 values, in 1 runs" in " ".join(found.remarks)


def test_forked_run_has_what_it_shares_with_its_parent(odd):
    found, runs = odd
    assert history(found, "one", runs["forked"]) == [(2.0, 7.0)]
    assert history(found, "int", runs["forked"]) == [(0.0, 3.0)]
    assert history(found, "nested.a", runs["forked"]) == [(1.0, 1.5)]
    assert found.settings[runs["forked"]] == {"lr": 0.5}
    alone = wandb.read(next((WANDB / "odd" / "wandb").glob("*-forked")))
    assert len(history(alone, "one", 0)) == 1
    assert "Forked from runs that are not here" in alone.remarks[0]


def test_link_to_the_latest_run_is_no_run(tmp_path):
    shutil.copytree(WANDB / "toys", tmp_path / "toys")
    folder = tmp_path / "toys" / "wandb"
    (folder / "latest-run").symlink_to(sorted(folder.iterdir())[-1].name, target_is_directory=True)
    assert len(wandb.read(folder).names) == len(wandb.read(tmp_path).names) == 12


def test_numbers_as_older_versions_write_them():
    run = wandb_files.Logged()
    items = {"a": '"NaN"', "b": '"-Infinity"', "c": '{"x": 1.5, "y": {"z": 2}, "t": true}', "d": '{"_type": "image"}'}
    record = b"".join(field(1, field(1, name.encode()) + field(16, value.encode())) for name, value in items.items())
    wandb_files.add_history(run, wire.read_fields(record + field(2, b"\x08\x07")))
    assert {name: curve.values[0] for name, curve in run.curves.items() if name != "a"} == {
        "b": -math.inf,
        "c.x": 1.5,
        "c.y.z": 2.0,
    }
    assert math.isnan(run.curves["a"].values[0])
    assert list(run.curves["a"].steps) == [7]


def varint(number):
    """Return a whole number from 0 as protobuf writes it."""
    return bytes([number]) if number < 128 else bytes([number & 127 | 128]) + varint(number >> 7)


def field(number, content):
    """Return a field of bytes."""
    return varint(number << 3 | 2) + varint(len(content)) + content


def logged(*records):
    """Return the file of a run with these records, each below 32 KiB and in one block."""
    pieces = [struct.pack("<IHB", zlib.crc32(b"\1" + data), len(data), 1) + data for data in records]
    return wandb_files.HEADER + b"".join(pieces)


def test_damaged_block_of_wandb_costs_what_follows_in_it(tmp_path):
    content = bytearray(next((WANDB / "odd" / "wandb").glob("*-late/*.wandb")).read_bytes())
    whole = list(wandb_files.read_records(next((WANDB / "odd" / "wandb").glob("*-late/*.wandb")), []))
    content[20_000] ^= 1
    (tmp_path / "run-a.wandb").write_bytes(content)
    problems = []
    read = list(wandb_files.read_records(tmp_path / "run-a.wandb", problems))
    assert 0 < len(read) < len(whole)
    assert read == whole[: len(read)]
    assert problems == ["1 damaged blocks of 32 KiB are left out, each from the damage on"]


def test_records_over_several_blocks_are_joined(tmp_path):
    record = (
        field(17, b"") + b"\x12" + bytes([0x80 | 70_000 & 127, 0x80 | 70_000 >> 7 & 127, 70_000 >> 14]) + bytes(70_000)
    )
    content = bytearray(wandb_files.HEADER)
    rest = record
    while rest:
        room = 2**15 - len(content) % 2**15 - 7
        piece, rest = rest[:room], rest[room:]
        kind = (2 if piece == record[:room] else 3) if rest else 4
        crc = zlib.crc32(bytes([kind]) + piece)
        content += struct.pack("<IHB", crc, len(piece), kind) + piece
    (tmp_path / "run-a.wandb").write_bytes(content)
    assert list(wandb_files.read_records(tmp_path / "run-a.wandb", [])) == [record]
    (tmp_path / "run-a.wandb").write_bytes(content[:-1])
    problems = []
    assert list(wandb_files.read_records(tmp_path / "run-a.wandb", problems)) == []
    assert problems == [wandb_files.CUT]


def test_damaged_files_of_wandb_never_raise_anything_else(tmp_path):
    chance = random.Random(28)
    sources = [next((WANDB / "odd" / "wandb").glob(f"*-{name}/*.wandb")) for name in ("numbers", "axes", "forked")]
    records = [list(wandb_files.read_records(source, [])) for source in sources]
    file = tmp_path / "run-a.wandb"
    read = 0
    for turn in range(150):
        changed = []
        for record in records[turn % 3]:
            data = bytearray(record)
            for _ in range(chance.choice((0, 0, 1, 3))):
                data[chance.randrange(len(data))] = chance.randrange(256)
            changed.append(bytes(data))
        content = logged(*changed)
        if turn % 4 == 0:
            content = content[: chance.randrange(len(content))]
        file.write_bytes(content)
        try:
            found = wandb.read(tmp_path)
        except ConfigError as error:
            assert "\n" not in str(error)
            continue
        read += 1
        for metric in found.metrics:
            found.history(metric)
    assert read > 50
    (tmp_path / "run-a.wandb").write_bytes(b"")
    assert not wandb.recognizes(tmp_path)


@pytest.mark.parametrize("content", ["[" * 30_000, "1" * 5_000, "{", '{"a":' * 5_000 + "1" + "}" * 5_000])
def test_values_that_are_no_json_or_too_deep_cost_their_record(tmp_path, content):
    item = field(1, field(1, b"a") + field(16, content.encode()))
    run = field(17, field(1, b"id"))
    (tmp_path / "run-a.wandb").write_bytes(
        logged(run, field(5, item), field(5, field(1, field(1, b"b") + field(16, b"1"))))
    )
    read = wandb_files.read_file(tmp_path / "run-a.wandb")
    assert read.config == {"b": 1}
    assert read.problems == ["1 records that are of no known form are left out"]
