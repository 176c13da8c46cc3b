"""Folders of users with and without a home, and a working directory that is gone."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typed import tree, typed

from npdigits.base import paths
from npdigits.base.errors import ConfigError, DataUnavailable
from npdigits.config.schema import DataConfig
from npdigits.data import cache, sets
from npdigits.runs import prepare

# A user who is a mere number, as containers run: no home, and no entry in the table of users.
NOBODY = """
import os, pwd
os.environ.pop("HOME", None)
def unknown(user):
    raise KeyError(f"getpwuid(): uid not found: {user}")
pwd.getpwuid = unknown
"""


@pytest.fixture
def nobody(tmp_path, monkeypatch):
    """Let Python processes that are started from here on be of a user without a home, and without our variables."""
    (tmp_path / "nobody").mkdir()
    (tmp_path / "nobody" / "sitecustomize.py").write_text(NOBODY)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path / "nobody"), os.environ.get("PYTHONPATH", "")]))
    for name in ("NPDIGITS_CACHE", "NPDIGITS_DATA", "XDG_CACHE_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)


def test_a_path_means_the_same_from_every_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert paths.absolute("out", None) is None is paths.absolute("out", "")
    assert paths.absolute("out", "a/b") == Path.cwd() / "a" / "b"
    assert paths.absolute("out", "~/b") == tmp_path / "home" / "b"
    assert paths.absolute("out", "./~x/b") == Path.cwd() / "~x" / "b"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows takes any name for a user's")
def test_a_home_that_there_is_not_is_named_with_its_key():
    chosen = DataConfig("mnist", root="~nosuchuser/r", dir="~nosuchuser/d")
    for key, look in (
        ("data.root=~nosuchuser/r", chosen.root_dir),
        ("data.dir=~nosuchuser/d", chosen.folder),
        ("data.root=~nosuchuser/r", lambda: prepare.load_data(chosen, "mnist", None, print)),
    ):
        with pytest.raises(ConfigError, match=f"^{key}: there is no home ~nosuchuser; ./~nosuchuser/. is a folder"):
            look()


@pytest.mark.parametrize("name", ["NPDIGITS_CACHE", "NPDIGITS_DATA"])
def test_a_home_in_a_variable_is_one_too(name, monkeypatch, tmp_path):
    where = {"NPDIGITS_CACHE": cache.directory, "NPDIGITS_DATA": sets.data_root}[name]
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv(name, "~/mine")
    assert where() == tmp_path / "mine"
    monkeypatch.setenv(name, "~nosuchuser/x")
    with pytest.raises(ConfigError, match=f"^{name}=~nosuchuser/x: there is no home ~nosuchuser"):
        where()


@pytest.mark.parametrize("answer", [RuntimeError("could not determine the home directory"), "~/.cache/npdigits"])
def test_who_has_no_home_has_no_cache_and_is_told_where_data_may_be(answer, monkeypatch, tmp_path):
    """However the installed version of platformdirs says so."""

    def folder(*_, **__):
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(cache.platformdirs, "user_cache_dir", folder)
    monkeypatch.setattr(sets.platformdirs, "user_data_dir", folder)
    for name in ("NPDIGITS_CACHE", "NPDIGITS_DATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    assert cache.directory() == sets.data_root() == paths.NOWHERE
    with pytest.raises(
        DataUnavailable, match=r"this user has no home to keep it in: NPDIGITS_DATA or data\.root names"
    ):
        sets.load("mnist")
    assert tree(tmp_path) == {}  # no folder called ~


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no table of users")
def test_a_run_and_a_sweep_of_a_user_without_a_home(nobody, idx_set, tmp_path):
    keys = ["data=idx", f"data.dir={idx_set}", "epochs=1", "quiet=true"]
    for arguments, where in ((["out=run"], "run"), (["-m", "seed=0,1", "out=sweep", "plots=false"], "sweep")):
        ended = typed(*keys, *arguments, cwd=tmp_path, MPLCONFIGDIR=str(tmp_path / "matplotlib"))
        assert (ended.returncode, ended.stdout, ended.stderr) == (0, f"{tmp_path / where}\n", "")
    ended = typed("data=mnist", "data.fallback=null", "out=other", cwd=tmp_path)
    assert (ended.returncode, ended.stderr) == (
        2,
        "npdigits: data=mnist is not at hand (this user has no home to keep it in: NPDIGITS_DATA or data.root names a "
        "folder), and data.fallback=null allows no other\n",
    )
    ended = typed('out="~/x"', *keys, cwd=tmp_path)
    assert (ended.returncode, ended.stderr) == (
        2,
        "npdigits: out=~/x: there is no home ~; ./~/x is a folder of that name\n",
    )
    assert not (tmp_path / "~").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows deletes no directory that is used")
@pytest.mark.parametrize("module", ["train", "train -m seed=0,1", "evaluate run", "compare run", "plots run"])
def test_a_working_directory_that_is_gone_is_said(tmp_path, module):
    (tmp_path / "gone").mkdir()
    script = f"cd {tmp_path}/gone && rmdir {tmp_path}/gone && exec {sys.executable} -m npdigits.{module}"
    ended = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60)
    assert ended.returncode == 2
    assert ended.stdout == ""
    said = ended.stderr.partition(": ")[2]
    if module in ("train", "train -m seed=0,1"):
        assert said == "the working directory is gone: cd to one that is there\n"
    assert ended.stderr.count("\n") == 1 and "writing" not in said
