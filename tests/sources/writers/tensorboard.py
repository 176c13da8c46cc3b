# requires: torch==2.14.1 tensorboard==2.21.0
"""Event files by torch's SummaryWriter and by TensorBoard's own writer.

In ``expected.json`` stands what TensorBoard's EventAccumulator reads of the folder of restarts.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import toy
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.compat.proto import summary_pb2
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.plugins.hparams import metadata, plugin_data_pb2, summary_v2
from tensorboard.plugins.scalar.metadata import create_summary_metadata
from tensorboard.summary.writer.event_file_writer import EventFileWriter
from tensorboard.util.tensor_util import make_tensor_proto
from torch.utils.tensorboard import SummaryWriter

HERE = Path(sys.argv[1])
KINDS = {"half": np.float16, "float": np.float32, "double": np.float64, "int": np.int32, "long": np.int64}


def torch_with_hparams(folder: Path) -> None:
    """Curves in a folder each, settings by add_hparams, which makes a folder in it."""
    for run in toy.runs():
        with SummaryWriter(str(folder / run["name"])) as writer:
            for epoch, figures in run["history"]:
                for name, value in figures.items():
                    writer.add_scalar(name, value, epoch)
            best = max(figures["val_acc"] for _, figures in run["history"])
            writer.add_hparams({**run["settings"], "nesterov": True}, {"hparam/best_acc": best}, run_name="end")


def torch_in_doubles(folder: Path) -> None:
    """New style and double precision, settings in the folders' names alone."""
    for run in toy.runs():
        name = ",".join(f"{key}={run['settings'][key]}" for key in ("lr", "width", "seed"))
        with SummaryWriter(str(folder / name)) as writer:
            for epoch, figures in run["history"]:
                for tag, value in figures.items():
                    writer.add_scalar(tag, value, epoch, new_style=True, double_precision=True)


def tensorboard_itself(folder: Path) -> None:
    """As TensorFlow 2 writes it: tensors, metadata at the first value alone, train and validation in folders."""
    for run in toy.runs():
        above = folder / run["name"]
        writer = EventFileWriter(str(above))
        writer.add_event(_event(summary_v2.hparams_pb(run["settings"], start_time_secs=0)))
        writer.close()
        for split in ("train", "validation"):
            writer = EventFileWriter(str(above / split))
            for epoch, figures in run["history"]:
                for tag, value in figures.items():
                    if tag.startswith("train") == (split == "train"):
                        first = create_summary_metadata("", "") if epoch == 1 else None
                        each = summary_pb2.Summary.Value(
                            tag=tag, metadata=first, tensor=make_tensor_proto(np.float32(value))
                        )
                        writer.add_event(_event(summary_pb2.Summary(value=[each]), epoch))
            if split == "validation":
                writer.add_event(_event(_end(2 if run["name"] == "run-3" else 1)))
            writer.close()


def restarts(folder: Path) -> None:
    """Begun again: without purge_step, with it, and without steps; numbers that are none; add_scalars."""
    plain, purged, kinds = folder / "plain", folder / "purged", folder / "kinds"
    for where, options in ((plain, {}), (purged, {"purge_step": 3})):
        with SummaryWriter(str(where)) as writer:
            for step in range(6):
                writer.add_scalar("loss", 10 - step, step)
                writer.add_scalar("other", step / 3, 2 * step)
        time.sleep(1.1)  # files are named and ordered by whole seconds
        with SummaryWriter(str(where), **options) as writer:
            for step in range(3, 5):
                writer.add_scalar("loss", 100 - step, step)
    with SummaryWriter(str(kinds)) as writer:
        for value in (1.5, float("nan"), float("inf"), -float("inf"), 1e-45, 0.1):
            writer.add_scalar("numbers", value, 7)
            writer.add_scalar("without steps", value)
        writer.add_scalar("large", 1.0, 2**40)
        writer.add_scalar("negative", 2.0, -3)
        writer.add_scalars("loss/both", {"train": 0.5, "val": 0.25}, 1)
        writer.add_scalars("loss/both", {"train": 0.4, "val": 0.2}, 2)
        writer.add_histogram("weights", np.arange(9.0), 1)
        writer.add_text("note", "no scalar", 1)
    tensors = EventFileWriter(str(folder / "tensors"))
    for name, kind in KINDS.items():
        for form, data in (("scalar", kind(3.25)), ("array", np.array([kind(3.25)])), ("vector", np.ones(3, kind))):
            each = summary_pb2.Summary.Value(
                tag=f"{name}/{form}", metadata=create_summary_metadata("", ""), tensor=make_tensor_proto(data)
            )
            tensors.add_event(_event(summary_pb2.Summary(value=[each]), 1))
    for name, kind in KINDS.items():
        proto = make_tensor_proto(kind(3.25))
        for numbers in ("half_val", "float_val", "double_val", "int_val", "int64_val"):
            proto.ClearField(numbers)
        proto.tensor_content = kind(3.25).tobytes()
        each = summary_pb2.Summary.Value(tag=f"{name}/content", metadata=create_summary_metadata("", ""), tensor=proto)
        tensors.add_event(_event(summary_pb2.Summary(value=[each]), 1))
    tensors.close()
    expected = {}
    for where in (plain, purged, kinds, kinds / "loss_both_train"):
        read = EventAccumulator(str(where), size_guidance={"scalars": 0})
        read.Reload()
        scalars = {tag: [(each.step, each.value) for each in read.Scalars(tag)] for tag in read.Tags()["scalars"]}
        expected[str(where.relative_to(folder))] = scalars
    (folder / "expected.json").write_text(json.dumps(expected, indent=1))


def _event(summary: summary_pb2.Summary | bytes, step: int = 0) -> Event:
    return Event(wall_time=time.time(), step=step, summary=summary)


def _end(status: int) -> summary_pb2.Summary:
    """As hparams.summary.session_end_pb, which needs TensorFlow to be imported."""
    end = plugin_data_pb2.SessionEndInfo(status=status, end_time_secs=0)
    content = metadata.create_summary_metadata(plugin_data_pb2.HParamsPluginData(session_end_info=end))
    value = summary_pb2.Summary.Value(tag=metadata.SESSION_END_INFO_TAG, metadata=content, tensor=metadata.NULL_TENSOR)
    return summary_pb2.Summary(value=[value])


def rename(folder: Path) -> None:
    """Take the name of the machine out of the files' names; their order stays."""
    for where in {path.parent for path in folder.rglob("*tfevents*")}:
        for index, path in enumerate(sorted(where.glob("*tfevents*"))):
            path.rename(where / f"events.out.tfevents.{1700000000 + index}.somewhere.1.{index}")


torch_with_hparams(HERE / "torch")
torch_in_doubles(HERE / "doubles")
tensorboard_itself(HERE / "tensors")
restarts(HERE / "restarts")
rename(HERE)
