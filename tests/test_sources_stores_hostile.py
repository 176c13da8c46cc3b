"""Databases and folders of trackers that are torn, locked, written to, or made to harm: named, and never a hang."""

import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
import time
import zipfile

import pytest
from test_sources_stores import FILES, assert_is_toy, read

from npdigits.base.errors import ConfigError
from npdigits.sources import aim, database, mlflow, mlflow_files, mlflow_sqlite, optuna, trackio
from npdigits.sources.reading import read_source

METRICS = ["train_loss", "val_loss", "val_acc"]


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory):
    """The stores of MLflow 2 and the projects of Trackio."""
    folder = tmp_path_factory.mktemp("stores")
    for name in ("mlflow2/stores.zip", "trackio0/trackio.zip"):
        with zipfile.ZipFile(FILES / name) as packed:
            packed.extractall(folder)
    return folder


@pytest.fixture
def copy(unpacked, tmp_path):
    """A copy of MLflow's database."""
    return shutil.copy(unpacked / "mlflow.db", tmp_path / "mlflow.db")


def change(path, *statements):
    """Change a database."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        for statement in statements:
            connection.execute(statement)


def listing(folder):
    """Return what stands in a folder: name -> bytes."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("leave", ["closed", "open", "killed"])
def test_a_database_in_wal_mode_is_read_and_nothing_is_left_beside_it(copy, tmp_path, leave):
    writer = sqlite3.connect(copy, isolation_level=None)
    writer.execute("PRAGMA journal_mode = WAL")
    writer.execute("UPDATE runs SET name = 'changed' WHERE name = 'run-3'")
    if leave == "killed":  # what a killed program leaves, on another machine: no index
        folder = tmp_path / "elsewhere"
        folder.mkdir()
        for name in ("mlflow.db", "mlflow.db-wal"):
            shutil.copy(tmp_path / name, folder)
        copy = folder / "mlflow.db"
    if leave != "open":
        writer.close()
    before = listing(copy.parent)
    assert ("mlflow.db-wal" in before) == (leave != "closed")
    found = read(copy)
    assert_is_toy(found, METRICS)
    assert any(name.endswith("(changed)") for name in found.names)
    after = listing(copy.parent)
    if leave == "open":  # readers and writers of one process share the index; those of two do not, see below
        after["mlflow.db-shm"] = before["mlflow.db-shm"]
    assert after == before
    writer.close()


def test_the_index_of_another_process_is_not_written_to(copy):
    code = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
    code += "c.execute('PRAGMA journal_mode = WAL'); c.execute('UPDATE runs SET name = 1'); print(flush=True); input()"
    command = [sys.executable, "-c", code, str(copy)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer:
        writer.stdout.readline()
        before = listing(copy.parent)
        assert_is_toy(read(copy), METRICS)
        assert listing(copy.parent) == before and "mlflow.db-shm" in before
        writer.communicate("\n")


def test_a_folder_that_may_not_be_written_to_is_read(unpacked, tmp_path):
    folder = tmp_path / "trackio"
    shutil.copytree(unpacked / "trackio", folder)
    folder.chmod(0o500)
    try:
        assert_is_toy(read(folder / "toy.db"), METRICS)
    finally:
        folder.chmod(0o700)


def test_a_database_that_another_program_holds_is_said_to_be_so(copy):
    with contextlib.closing(sqlite3.connect(copy, isolation_level=None)) as writer:
        writer.execute("BEGIN EXCLUSIVE")
        begin = time.monotonic()
        with pytest.raises(ConfigError, match=r"mlflow\.db: another program writes to it"):
            mlflow_sqlite.read(copy)
        assert time.monotonic() - begin < 10
        writer.execute("ROLLBACK")
        writer.execute("BEGIN IMMEDIATE")  # a transaction that goes on: what was written before is read
        writer.execute("DELETE FROM runs")
        assert_is_toy(read(copy), METRICS)


def test_a_database_whose_program_was_killed_while_it_wrote_is_left_as_it_is(copy, tmp_path):
    writer = sqlite3.connect(copy, isolation_level=None)
    writer.execute("PRAGMA cache_size = 1")
    writer.execute("BEGIN")
    writer.execute("UPDATE metrics SET value = value + 1")  # spilled into the file, with a journal to undo it
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    for name in ("mlflow.db", "mlflow.db-journal"):
        shutil.copy(tmp_path / name, folder)
    writer.close()
    before = listing(folder)
    with pytest.raises(ConfigError, match="ended while it wrote"):
        mlflow_sqlite.read(folder / "mlflow.db")
    assert listing(folder) == before


def test_a_database_that_cannot_be_read_is_no_unknown_file(copy, tmp_path):
    (tmp_path / "torn.db").write_bytes(copy.read_bytes()[:5000])
    with pytest.raises(ConfigError, match=r"torn\.db: damaged"):
        read_source(tmp_path / "torn.db", None, print)
    (tmp_path / "empty.db").touch()
    with pytest.raises(ConfigError, match=r"empty\.db: is empty"):
        read_source(tmp_path / "empty.db", None, print)
    with contextlib.closing(sqlite3.connect(copy, isolation_level=None)) as writer:
        writer.execute("BEGIN EXCLUSIVE")
        with pytest.raises(ConfigError, match=r"mlflow\.db: another program writes to it"):
            read_source(copy, None, print)
    with contextlib.closing(sqlite3.connect(tmp_path / "other.db")) as other:
        other.execute("CREATE TABLE words (word TEXT)")
        other.commit()
    with pytest.raises(ConfigError, match="no results that are known"):
        read_source(tmp_path / "other.db", None, print)


def test_trackios_folder_is_found_in_the_folder_around(unpacked, tmp_path):
    shutil.copytree(unpacked / "trackio", tmp_path / "around" / "trackio")
    assert_is_toy(read_source(tmp_path / "around", None, print), METRICS)


def test_torn_databases_are_named(copy, tmp_path):
    whole = copy.read_bytes()
    for size in (0, 50, 100, 5000, len(whole) // 2):
        torn = tmp_path / "torn.db"
        torn.write_bytes(whole[:size])
        for module in (mlflow, optuna, trackio, aim):
            assert not module.recognizes(torn) or size > 4096
        with pytest.raises(ConfigError, match=r"torn\.db"):
            mlflow_sqlite.read(torn)
    for start in range(4096, len(whole), 40_960):  # a page of rubbish: an error of one line, or what is left
        torn.write_bytes(whole[:start] + b"\xaa" * 4096 + whole[start + 4096 :])
        with contextlib.suppress(ConfigError):
            found = mlflow_sqlite.read(torn)
            for metric in found.metrics:
                found.history(metric)


@pytest.mark.parametrize(
    "statements",
    [
        # 10^9 rows out of nothing
        [
            "ALTER TABLE metrics RENAME TO old",
            "CREATE VIEW metrics AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 1000000000)"
            " SELECT 'acc' AS key, i AS value, i AS timestamp, 'x' AS run_uuid, i AS step, 0 AS is_nan FROM n",
        ],
        [
            "ALTER TABLE params RENAME TO old",
            "CREATE TABLE params (run_uuid, key, value TEXT AS (hex(zeroblob(100000000))))",
            "INSERT INTO params SELECT run_uuid, key FROM old",
        ],
        ["DROP TABLE tags", "CREATE VIRTUAL TABLE tags USING fts5(run_uuid, key, value)"],
    ],
    ids=["view", "computed", "virtual"],
)
def test_what_is_no_ordinary_table_is_not_read(copy, statements):
    change(copy, *statements)
    begin = time.monotonic()
    with pytest.raises(ConfigError, match="no ordinary"):
        mlflow_sqlite.read(copy)
    assert time.monotonic() - begin < 10


def test_a_statement_that_takes_more_steps_than_the_file_can_need_is_ended(copy, monkeypatch):
    monkeypatch.setattr(database, "STEPS", 0)
    monkeypatch.setattr(database, "STEPS_A_BYTE", 0)
    monkeypatch.setattr(database, "EVERY", 10)
    with pytest.raises(ConfigError, match="more rows than its size"):
        mlflow_sqlite.read(copy)


def test_rows_that_hold_no_numbers_cost_their_run_alone(copy):
    with contextlib.closing(sqlite3.connect(copy)) as connection:
        keys = dict(connection.execute("SELECT name, run_uuid FROM runs"))
    change(
        copy,
        f"UPDATE metrics SET value = 'high' WHERE run_uuid = '{keys['twice']}' AND key = 'nan_last' AND is_nan",
        f"UPDATE latest_metrics SET step = x'00' WHERE run_uuid = '{keys['restarted']}'",
        "PRAGMA ignore_check_constraints = ON",
        f"UPDATE runs SET status = 'DONE' WHERE run_uuid = '{keys['parent']}'",
        f"UPDATE runs SET experiment_id = 77 WHERE run_uuid = '{keys['names']}'",
        f"UPDATE params SET value = CAST(x'ff41' AS TEXT) WHERE run_uuid = '{keys['run-0']}' AND key = 'optimizer'",
    )
    found = read(copy)
    told = " ".join(place for place, _ in found.skipped)
    assert len(found.skipped) == 4
    assert all(keys[name][:12] in told for name in ("twice", "restarted", "parent", "names"))
    assert not any(name.endswith(("(twice)", "(restarted)", "(parent)", "(names)")) for name in found.names)
    position = next(i for i, name in enumerate(found.names) if name.endswith("(run-0)"))
    assert found.settings[position]["optimizer"] == "\ufffdA"
    assert len(found.history("val_acc")) == 36


def test_another_programs_database_is_not_taken_for_one(tmp_path):
    other = tmp_path / "other.db"
    change(other, "CREATE TABLE runs (id)", "CREATE TABLE metrics (id)")
    for module in (mlflow, optuna, trackio, aim):
        assert not module.recognizes(other)
    with pytest.raises(ConfigError, match=r"other\.db: no ordinary table experiments"):
        mlflow.read(other)
    with pytest.raises(ConfigError, match=r"other\.db: no ordinary table studies"):
        optuna.read(other)


def test_damaged_runs_among_files_are_named_and_cost_no_other(unpacked, tmp_path):
    store = tmp_path / "mlruns"
    shutil.copytree(unpacked / "mlruns", store)
    runs = {
        mlflow_files.read_description((run / "meta.yaml").read_bytes())["run_name"]: run
        for run in store.glob("*/*")
        if (run / "metrics").is_dir()
    }
    damage = {
        "twice": lambda run: (run / "metrics" / "acc").write_text("1 high 2\n"),
        "restarted": lambda run: (run / "meta.yaml").write_text("&a [*a]\n"),
        "not finite": lambda run: (run / "metrics" / "acc").write_text(f"1 0.5 {'9' * 30}\n"),
        "killed": lambda run: (run / "meta.yaml").write_bytes(b"run_id: x\nstatus: !!binary aGk=\n"),
        "failed": lambda run: (run / "params" / "leak").symlink_to("/etc/hostname"),
        "parent": lambda run: (run / "metrics" / "far").symlink_to(tmp_path),
        "child-1": lambda run: os.mkfifo(run / "metrics" / "pipe"),
        "child-2": lambda run: (run / "metrics" / "acc").write_bytes(b"\xff 1 2\n"),
        "names": lambda run: (run / "meta.yaml").write_text("run_id: x\nstatus: 9\n"),
    }
    for name, harm in damage.items():
        harm(runs[name])
    deep = runs["run-0"] / "metrics" / "/".join("d" * 20)
    deep.mkdir(parents=True)
    (deep / "loss").write_text("1 0.5 1\n")
    (store / "linked").symlink_to(runs["run-0"].parent)  # all of its runs again
    with (runs["run-1"] / "metrics" / "val_acc").open("a") as file:
        file.write("1795918741971 0.2")  # cut off while it was written
    found = read(store)
    places = [place for place, _ in found.skipped]
    assert sorted(places) == sorted([*(str(runs[name]) for name in damage), str(runs["run-1"] / "metrics" / "val_acc")])
    assert_is_toy(found, METRICS)
    assert "/".join("d" * 20) + "/loss" in found.metrics
    assert all("hostname" not in str(settings) for settings in found.settings)


def test_a_store_an_experiment_a_run_and_the_folder_around_are_read(unpacked, tmp_path):
    store = tmp_path / "mlruns"
    shutil.copytree(unpacked / "mlruns", store)
    assert_is_toy(read(tmp_path), METRICS)
    toy_folder = next(path.parent for path in store.glob("*/meta.yaml") if "name: toy\n" in path.read_text())
    assert len(read(toy_folder).names) == 12
    run = next(path for path in sorted(toy_folder.iterdir()) if path.is_dir() and (path / "metrics").is_dir())
    assert len(read(run).names) == 1
    with pytest.raises(ConfigError, match="two stores"):
        mlflow.read(unpacked)
    empty = tmp_path / "empty"
    empty.mkdir()
    assert not mlflow.recognizes(empty)
    with pytest.raises(ConfigError, match="no runs of MLflow"):
        mlflow.read(empty)


def test_damaged_rows_of_trackio_cost_their_run_alone(unpacked, tmp_path):
    project = tmp_path / "toy.db"
    shutil.copy(unpacked / "trackio" / "toy.db", project)
    change(
        project,
        "UPDATE metrics SET metrics = '{\"x\":' WHERE run_name = 'run-3' AND step = 2",
        "UPDATE configs SET config = '[1]' WHERE run_name = 'run-4'",
        "UPDATE metrics SET step = 'two' WHERE run_name = 'run-5'",
        f"UPDATE metrics SET metrics = '{'[' * 100_000}' WHERE run_name = 'run-6'",
    )
    found = read(project)
    assert [place.rpartition(" ")[2] for place, _ in found.skipped] == ["run-4", "run-3", "run-5", "run-6"]
    assert len(found.names) == 8


def test_aims_repositories_are_recognized_and_it_is_said_what_to_do(tmp_path):
    repository = tmp_path / ".aim"
    for part in ("meta", "seqs"):
        (repository / part).mkdir(parents=True)
    (repository / "run_metadata.sqlite").write_bytes(b"")
    for path in (tmp_path, repository):
        with pytest.raises(ConfigError, match="write them to a CSV"):
            read(path)
