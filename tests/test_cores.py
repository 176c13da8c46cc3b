"""The cores of a process: affinity, and the quotas of control groups, in trees of files as kernels show them."""

import os

import pytest

from npdigits.base import cores as module
from npdigits.base.cores import cores

ROOT_OF_2 = "31 23 0:28 / /sys/fs/cgroup rw,relatime shared:4 - cgroup2 cgroup2 rw,nsdelegate"
ROOT_OF_1 = "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct"


@pytest.fixture(autouse=True)
def eight_cores(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)


@pytest.fixture
def made(tmp_path):
    """Makes a tree: lines of /proc/self/cgroup and mountinfo, and the groups' files."""

    def make(groups, mounts, **files):
        (tmp_path / "proc/self").mkdir(parents=True)
        (tmp_path / "proc/self/cgroup").write_text("".join(f"{line}\n" for line in groups))
        (tmp_path / "proc/self/mountinfo").write_text("".join(f"{line}\n" for line in mounts))
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        return tmp_path

    return make


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("max 100000\n", 8),
        ("200000 100000\n", 2),
        ("150000 100000\n", 2),  # one and a half: two share it
        ("100000 100000\n", 1),
        ("1000 100000\n", 1),
        ("50000 25000\n", 2),
        ("1600000 100000\n", 8),  # more than there are
        ("", 8),  # as seen under some kernels
        ("200000 0\n", 8),
        ("200000\n", 8),
        ("two cores\n", 8),
        ("é 100000\n", 8),
    ],
)
def test_a_quota_of_version_2(made, text, expected):
    assert cores(made(["0::/"], [ROOT_OF_2], **{"sys/fs/cgroup/cpu.max": text})) == expected


@pytest.mark.parametrize("below", ["a.slice/b.scope", "a.slice", ""])
def test_the_smallest_quota_of_a_group_and_those_around_it_counts(made, below):
    files = {"a.slice/b.scope": "600000 100000", "a.slice": "max 100000", "": "700000 100000", below: "300000 100000"}
    named = {f"sys/fs/cgroup/{group}/cpu.max": text for group, text in files.items()}
    assert cores(made(["0::/a.slice/b.scope"], [ROOT_OF_2], **named)) == 3


def test_another_groups_quota_does_not_count(made):
    files = {"sys/fs/cgroup/a/cpu.max": "max 100000", "sys/fs/cgroup/b/cpu.max": "100000 100000"}
    assert cores(made(["0::/a"], [ROOT_OF_2], **files)) == 8


@pytest.mark.parametrize(("quota", "expected"), [("-1", 8), ("250000", 3), ("0", 8), ("", 8), ("40000", 1)])
def test_a_quota_of_version_1(made, quota, expected):
    files = {"cpu.cfs_quota_us": f"{quota}\n", "cpu.cfs_period_us": "100000\n"}
    named = {f"sys/fs/cgroup/cpu,cpuacct/job/{name}": text for name, text in files.items()}
    around = {f"sys/fs/cgroup/cpu,cpuacct/{name}": text for name, text in (files | {"cpu.cfs_quota_us": "-1"}).items()}
    groups = ["4:memory:/elsewhere", "2:cpu,cpuacct:/job", "3:cpuset:/", "0::/"]
    assert cores(made(groups, [ROOT_OF_1], **named, **around)) == expected


def test_both_versions_at_once(made):
    """As systemd's hybrid form: version 2 is there, without the controller that counts."""
    mounts = [ROOT_OF_1, ROOT_OF_2.replace("/sys/fs/cgroup", "/sys/fs/cgroup/unified")]
    files = {"cpu.cfs_quota_us": "200000", "cpu.cfs_period_us": "100000"}
    named = {f"sys/fs/cgroup/cpu,cpuacct/{name}": text for name, text in files.items()}
    assert cores(made(["2:cpu,cpuacct:/", "0::/"], mounts, **named)) == 2


@pytest.mark.parametrize(
    ("path", "mount"),
    [
        ("/docker/abc", "/docker/abc /sys/fs/cgroup"),  # the host's path, and its group is the mount's root
        ("/", "/docker/abc /sys/fs/cgroup"),  # a namespace of its own, mounted from outside
        ("/docker/abc", "/kubepods/pod1 /sys/fs/cgroup"),  # neither shows the other
        ("/../abc", "/ /sys/fs/cgroup"),  # moved out of the namespace's root
        ("/docker/abc", "/docker /sys/fs/cgroup"),  # whose own group is not shown, but the one around it is
    ],
)
def test_a_container_that_is_shown_a_part(made, path, mount):
    files = {"sys/fs/cgroup/cpu.max": "200000 100000"}
    assert cores(made([f"0::{path}"], [f"31 23 0:28 {mount} ro - cgroup2 cgroup rw"], **files)) == 2


def test_a_mount_elsewhere_and_beside_another(made):
    mounts = [
        "30 23 0:28 /other /mnt/other rw - cgroup2 cgroup rw",
        r"31 23 0:28 / /mnt/all\040groups rw - cgroup2 cgroup rw",
    ]
    files = {"mnt/other/cpu.max": "100000 100000", "mnt/all groups/job/cpu.max": "400000 100000"}
    assert cores(made(["0::/job"], mounts, **files)) == 4


@pytest.mark.parametrize(
    ("groups", "mounts"),
    [
        ([], []),
        (["0::/"], []),
        ([], [ROOT_OF_2]),
        (["rubbish", "0:", "0::x"], ["rubbish", " - ", "- - - - - - - cgroup2"]),
    ],
)
def test_what_cannot_be_read_limits_nothing(made, groups, mounts):
    assert cores(made(groups, mounts, **{"sys/fs/cgroup/cpu.max": "100000 100000"})) == 8


def test_no_such_files(tmp_path):
    assert cores(tmp_path) == 8


def test_affinity_is_the_most(made, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0}, raising=False)
    assert cores(made(["0::/"], [ROOT_OF_2], **{"sys/fs/cgroup/cpu.max": "400000 100000"})) == 1
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert cores(module.ROOT / "nowhere") == 1
