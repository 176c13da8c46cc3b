"""Workers: what they compute together, who waits for whom, and who is left when one of them is gone."""

import dataclasses
import itertools
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest
from test_loop import SIZES, TEST, TRAIN, VAL, recipe, state

from npdigits.base.arrays import shared
from npdigits.base.choice import assemble
from npdigits.base.errors import WorkersError
from npdigits.base.interruption import Stopped
from npdigits.data.sets import Split
from npdigits.nn import plain
from npdigits.nn.activations import ACTIVATIONS
from npdigits.nn.cuts import Cuts, block_size, cut_by_images, tree
from npdigits.nn.network import Network, Parameters
from npdigits.nn.optimizers import SGD
from npdigits.nn.schedules import constant
from npdigits.nn.workspace import Workspace
from npdigits.training.blocks import Blocks
from npdigits.training.loop import fit
from npdigits.training.passes import Diverged
from npdigits.training.work_split import GradientSum, SharedLayers, UnitSplit, share
from npdigits.training.workers import ALONE, CHECK_EVERY, Part, Workers, can_fork

pytestmark = pytest.mark.skipif(not can_fork(), reason="processes share a run on Linux only")


@pytest.mark.parametrize("step", [1, 16])
@pytest.mark.parametrize("n", [0, 1, 5, 10, 20, 300, 1000])
@pytest.mark.parametrize("of", [1, 2, 3, 7])
def test_parts_are_the_whole(n, of, step):
    slices = [Part(rank, of).slice(n, step) for rank in range(of)]
    assert [i for s in slices for i in range(n)[s]] == list(range(n))
    assert all(s.start % step == 0 for s in slices if s.start < n)


class Counting:
    """Every member writes its number of the round, waits, and looks what the others wrote."""

    def __init__(self, part, board):
        self.part, self.board = part, board

    def rounds(self, n):
        rng = np.random.default_rng(self.part.rank)
        for i in range(n):
            if rng.random() < 0.01:
                time.sleep(0.001)
            self.board[self.part.rank] = i
            self.part.wait()
            if not (self.board == i).all():
                return f"round {i}: {self.board}"
            self.part.wait()
        return "all came"

    def fails(self, rank):
        if self.part.rank == rank:
            raise ValueError("on purpose")
        self.part.wait()

    def pid(self):
        return os.getpid()

    def files(self):
        return [int(file.name) for file in Path("/proc/self/fd").iterdir()]

    def waits(self):
        self.part.wait()


def counting(size):
    board = shared(size, "int64")
    return Workers(size, lambda part: Counting(part, board))


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_nobody_goes_on_before_all_have_come(size):
    with counting(size) as members:
        assert members.call("rounds", 300) == ["all came"] * size


def test_what_a_member_raises_is_raised_here_and_ends_all():
    with counting(3) as members:
        pids = members.call("pid")
        with pytest.raises(WorkersError, match=r"threads > 1.* failed: ValueError: on purpose"):
            members.call("fails", 2)
    assert pids[0] == os.getpid()
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids[1:])


def test_what_is_raised_here_ends_the_others_first():
    with counting(2) as members:
        pid = members.call("pid")[1]
        with pytest.raises(ValueError, match="on purpose"):
            members.call("fails", 0)
        assert not Path(f"/proc/{pid}").exists()


@pytest.mark.parametrize("order", ["waits", "pid"])
def test_a_member_that_is_killed_is_missed(order):
    with counting(2) as members:
        os.kill(members.call("pid")[1], signal.SIGKILL)
        with pytest.raises(WorkersError, match="was killed"):
            members.call(order)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_the_whole_group_is_the_first_members_to_handle(number):
    with counting(3) as members:
        for pid in members.call("pid")[1:]:
            os.kill(pid, number)
        assert members.call("rounds", 3) == ["all came"] * 3


def test_a_member_that_does_not_come_does_not_keep_the_first_from_stopping():
    asked = []
    with Workers(
        2, lambda part: Counting(part, shared(2, "int64")), lambda: asked.append(1) or len(asked) > 2
    ) as members:
        os.kill(members.call("pid")[1], signal.SIGSTOP)
        with pytest.raises(Stopped):
            members.call("waits")


def test_a_system_that_allows_no_more_processes_is_said_and_none_is_left(monkeypatch):
    original, made = os.fork, []

    def fork():
        if made:
            raise BlockingIOError(11, "Resource temporarily unavailable")
        made.append(original())
        return made[-1]

    monkeypatch.setattr(os, "fork", fork)
    with pytest.raises(WorkersError, match=r"^threads=3: no more processes can be started: Resource temporarily"):
        counting(3)
    assert not Path(f"/proc/{made[0]}").exists()


def test_a_host_that_ignores_its_children_is_no_hindrance():
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        with counting(2) as members:
            assert members.call("rounds", 3) == ["all came"] * 2
            os.kill(members.call("pid")[1], signal.SIGKILL)
            with pytest.raises(WorkersError, match="was killed"):
                members.call("waits")
    finally:
        signal.signal(signal.SIGCHLD, before)


def test_a_member_keeps_no_file_open():
    """Least of all the run directory's lock, which must be free as soon as its owner is gone."""
    with Path(os.devnull).open(), counting(3) as members:
        for files in members.call("files")[1:]:
            assert len(files) == 5  # 0, 1, 2, its pipe, and the directory that it lists


@pytest.mark.parametrize("busy", ["waits", "pid"])
def test_no_member_outlives_the_first(busy, tmp_path):
    """The first process is killed with SIGKILL while the others wait for it or have nothing to do."""
    script = tmp_path / "first.py"
    script.write_text(
        textwrap.dedent(f"""
        import sys, time
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        from test_workers import counting
        members = counting(3)
        print(*members.call("pid"), flush=True)
        if {busy!r} == "waits":
            members._first.waits = lambda: time.sleep(60)
        members.call({busy!r})
        time.sleep(60)
        """)
    )
    first = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
    pids = [int(pid) for pid in first.stdout.readline().split()]
    assert pids[0] == first.pid
    time.sleep(0.3)
    first.kill()
    first.wait()
    first.stdout.close()
    deadline = time.monotonic() + 5
    while any(_alive(pid) for pid in pids[1:]):
        assert time.monotonic() < deadline, "a member is still there after 5 s"
        time.sleep(0.02)


def _alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wide_state(sizes, dtype="float64"):
    parameters, gradient = Parameters(sizes, dtype), Parameters(sizes, dtype)
    parameters.flat[:] = np.random.default_rng(0).normal(size=parameters.flat.size) * 0.3
    return parameters, gradient


class Gradients:
    def __init__(self, part, network, gradient, layers, sizes, batch, dropout=()):
        self.network, self.out, self.rank = network, gradient, part.rank
        cuts = Cuts(batch, batch, by_units=True)
        self.workspace = Workspace(sizes, batch, "float64", UnitSplit(part, layers), dropout, cuts)

    def gradient(self, x, y):
        self.network.gradient(x, y, self.out, self.workspace, 3.0)

    def leave_out(self, n):
        """Each worker draws the masks of some images, for all units."""
        if self.rank < 2:
            half = n // 2
            self.workspace.leave_out(np.random.default_rng(self.rank), half, self.rank * half)


@pytest.mark.parametrize(
    "sizes", [(30, 10), (30, 20, 10), (200, 150, 100, 10), (50, 5, 40, 33, 3), (784, 300, 100, 10)]
)
@pytest.mark.parametrize("size", [2, 3])
@pytest.mark.parametrize("batch", [8, 20])
@pytest.mark.parametrize("activation", ["tanh", "gelu"])
def test_a_team_computes_the_gradient(sizes, size, batch, activation):
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(batch, sizes[0])), rng.integers(0, sizes[-1], batch)
    parameters, gradient = wide_state(sizes)
    network = Network(parameters, assemble(ACTIVATIONS[activation], {"leak": 0.0}), input_scale=0.5)
    layers = SharedLayers(sizes, 20, "float64")
    with Workers(size, lambda part: Gradients(part, network, gradient, layers, sizes, 20)) as members:
        members.call("gradient", x, y)
    alone = Parameters(sizes, "float64")
    network.gradient(x, y, alone, Workspace(sizes, 20, "float64"), 3.0)
    np.testing.assert_allclose(gradient.flat, alone.flat, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("size", [2, 3])
@pytest.mark.parametrize("activation", ["tanh", "silu"])
def test_workers_that_leave_units_out_compute_the_plain_gradient(size, activation):
    """The masks of some images are drawn by one worker, and each reads its own units of all of them."""
    sizes, dropout, rng = (30, 20, 11, 10), (0.0, 0.4), np.random.default_rng(1)
    x, y = rng.normal(size=(8, 30)), rng.integers(0, 10, 8)
    parameters, gradient = wide_state(sizes)
    network = Network(parameters, assemble(ACTIVATIONS[activation], {"leak": 0.0}))
    layers = SharedLayers(sizes, 20, "float64", dropout)
    with Workers(size, lambda part: Gradients(part, network, gradient, layers, sizes, 20, dropout)) as members:
        members.call("leave_out", 8)
        members.call("gradient", x, y)
    masks = [None, layers.masks[1][:8]]
    assert masks[1].shape == (8, 11) and 0 in masks[1][:4] and 0 in masks[1][4:]
    dw, db = plain.gradient(parameters.weights, parameters.biases, x, y, activation, masks=masks)
    for ours, reference in zip(gradient.weights + gradient.biases, dw + db, strict=True):
        np.testing.assert_allclose(ours, 3.0 * 8 * reference, rtol=1e-9, atol=1e-12)


# The last batch of 23 has one image, which one worker computes alone.
BY_UNITS, BY_IMAGES = [4], [32, 23]


@pytest.mark.parametrize(("batches", "by_images"), [(BY_UNITS, False), (BY_IMAGES, True)])
def test_the_way_of_sharing_is_the_one_in_which_fewer_numbers_change_hands(batches, by_images):
    for batch in batches:
        chosen = [share(state().network.parameters, batch, workers) for workers in (1, 3)]
        assert [one.cuts.by_units for one in chosen] == [not by_images] * 2
        assert chosen[0].cuts == chosen[1].cuts
        assert [one.layers is None for one in chosen] == [True, by_images]
        assert [one.gradients is None for one in chosen] == [not by_images] * 2


@pytest.mark.parametrize("n", range(1, 10))
def test_a_tree_adds_up_every_part_once(n):
    sums = [[i] for i in range(n)]
    for into, other, end in tree(n):
        sums[into] = [*sums[into], *sums[other]]
        assert sums[into] == list(range(into, end))
    assert sums[0] == list(range(n))


@pytest.mark.parametrize("parts", [2, 3, 4, 5, 8])
@pytest.mark.parametrize("workers", [1, 2, 3, 4, 7])
def test_the_gradients_of_parts_are_added_up_alike_by_any_number(parts, workers):
    rng, n = np.random.default_rng(parts), 100
    gradients = (rng.normal(size=(parts, n)) * 10.0 ** rng.integers(-4, 4, (parts, n))).astype(np.float32)
    results = []
    for count in (1, workers):
        some, total = gradients.copy(), np.full(n, np.nan, np.float32)
        members = [Part(rank, count) for rank in range(count)]
        sums = [GradientSum(some, total, part, part.slice(n)) for part in members]
        for operation in [*(o for one in sums for o in one.alone), *(o for one in sums for o in one.together)]:
            operation()
        results.append(total.tobytes())
    assert results[0] == results[1]
    np.testing.assert_allclose(total, gradients.sum(axis=0, dtype=np.float64), rtol=1e-3, atol=1e-2)


@pytest.mark.parametrize("sizes", [(784, 20, 10), (784, 800, 10), (784, 801, 13, 5, 3, 2), (5, 1, 2), (9, 3000, 4)])
@pytest.mark.parametrize("batch", [1, 7, 16, 17, 32, 64, 65, 100, 128, 129, 512, 1001])
@pytest.mark.parametrize("by_units", [False, True])
def test_cuts_hold_every_unit_and_every_image_once(sizes, batch, by_units):
    cuts = Cuts(batch, batch, by_units=True) if by_units else cut_by_images(batch)
    for n_in, n_out in itertools.pairwise(sizes):
        count = cuts.count(n_in, n_out)
        units = [cuts.units(n_in, n_out, slice(i, i + 1)) for i in range(count)]
        assert [unit for own in units for unit in range(n_out)[own]] == list(range(n_out))
        assert cuts.units(n_in, n_out, slice(0, count)) == slice(0, n_out)
    for workers in (1, 2, 3, 7):
        for n in {batch, 1, -(-batch // 3)}:
            seen = [i for rank in range(workers) for i in range(n)[Blocks(cuts, Part(rank, workers)).images(n)]]
            assert seen == list(range(n))
    assert by_units or cuts.part_size % block_size(batch) == 0


@pytest.mark.parametrize("batch", [BY_UNITS[0], BY_IMAGES[0]])
@pytest.mark.parametrize("threads", [2, 3])
@pytest.mark.parametrize("activation", ["leaky_relu", "silu"])
def test_the_first_step_of_several_is_the_first_of_one(threads, batch, activation):
    """Plain gradient descent by one step of one batch: what is off by a factor cannot hide in an epoch's noise."""
    few = Split(TRAIN.images, TRAIN.labels, np.arange(batch))
    after = []
    for n in (1, threads):
        s = state(SGD)
        s.network = dataclasses.replace(s.network, activation=assemble(ACTIVATIONS[activation], {"leak": 0.01}))
        list(fit(s, few, VAL, TEST, recipe(threads=n, batch_size=batch, epochs=1, schedule=constant(1.0))))
        after.append(s.network.parameters.flat.copy())
    assert np.abs(after[0] - state(SGD).network.parameters.flat).max() > 1e-3
    np.testing.assert_allclose(after[1], after[0], atol=1e-6)


@pytest.mark.parametrize("batch", [BY_UNITS[0], BY_IMAGES[0]])
def test_a_team_that_diverges_says_so_in_one_place(batch):
    s = state(SGD)
    with pytest.raises(Diverged) as raised:
        list(fit(s, TRAIN, VAL, TEST, recipe(threads=2, batch_size=batch, epochs=30, schedule=constant(1e30))))
    assert raised.value.epoch == 1
    assert np.isfinite(s.network.parameters.flat).all()


def test_an_epoch_of_a_team_that_is_cut_short_leaves_no_trace():
    s, whole = state(), state()
    list(fit(whole, TRAIN, VAL, TEST, recipe(threads=2)))
    original = s.optimizer.step

    def step(*arguments):
        if s.optimizer.steps == 24:
            raise KeyboardInterrupt
        original(*arguments)

    s.optimizer.step = step
    with pytest.raises(KeyboardInterrupt):
        list(fit(s, TRAIN, VAL, TEST, recipe(threads=2)))
    assert (len(s.history), s.optimizer.steps) == (2, 20)
    s.optimizer.step = original
    list(fit(s, TRAIN, VAL, TEST, recipe(threads=2)))
    assert s.history == whole.history
    assert s.network.parameters.flat.tobytes() == whole.network.parameters.flat.tobytes()


@pytest.mark.parametrize(("threads", "batch"), [(1, 32), (2, BY_UNITS[0]), (2, BY_IMAGES[0]), (3, BY_UNITS[0])])
def test_a_control_that_waits_pauses_all_workers_and_changes_no_bit(threads, batch):
    """Longer than the workers wait before they check on each other, while they train and while they score."""
    asked = itertools.count()
    pauses = []

    def control():
        if next(asked) in (3, -(-len(TRAIN) // batch), -(-len(TRAIN) // batch) + 1):
            arrays = [paused.network.parameters.flat, *paused.optimizer.state.values()]
            before = [array.copy() for array in arrays]
            time.sleep(4 * CHECK_EVERY)
            pauses.append([array.tobytes() for array in arrays] == [array.tobytes() for array in before])
        return False

    paused, whole = state(), state()
    changes = {"threads": threads, "batch_size": batch, "epochs": 2}
    list(fit(whole, TRAIN, VAL, TEST, recipe(**changes)))
    list(fit(paused, TRAIN, VAL, TEST, recipe(**changes), control))
    assert pauses == [True] * 3
    assert paused.history == whole.history
    assert paused.network.parameters.flat.tobytes() == whole.network.parameters.flat.tobytes()


def test_alone_nobody_is_waited_for():
    assert (ALONE.rank, ALONE.workers, ALONE.slice(7)) == (0, 1, slice(0, 7))
    ALONE.wait()
    assert len(SIZES) == 3
