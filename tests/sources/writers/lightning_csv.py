# requires: torch==2.13.0 lightning==2.6.6
"""Lightning's CSVLogger: the toy's runs by the logger itself, and one of a Trainer, with its several rows an epoch."""

import logging
import sys
import warnings
from pathlib import Path

warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)

import lightning  # noqa: E402
import torch  # noqa: E402
from lightning.pytorch.loggers import CSVLogger  # noqa: E402
from torch.utils.data import DataLoader, TensorDataset  # noqa: E402
from toy import runs  # noqa: E402

folder = Path(sys.argv[1])
for run in runs():
    logger = CSVLogger(folder / "toy")
    logger.log_hyperparams({**run["settings"], "sizes": (3, 4), "warmup": 1e-5})
    for epoch, figures in run["history"]:
        # As a Trainer does: the training of an epoch and its validation one after the other, at one step.
        logger.log_metrics({"epoch": epoch - 1, "train_loss": figures["train_loss"]}, step=10 * epoch - 1)
        rest = {name: value for name, value in figures.items() if name != "train_loss"}
        logger.log_metrics({"epoch": epoch - 1, **rest}, step=10 * epoch - 1)
    logger.save()


class Model(lightning.LightningModule):
    """One weight, so that a Trainer has something to train."""

    def __init__(self, lr=0.1, activation=None, sizes=(3, 4)):
        super().__init__()
        self.save_hyperparameters()
        self.layer = torch.nn.Linear(1, 1)

    def training_step(self, batch, index):
        loss = self.layer(batch[0]).pow(2).mean()
        self.log("train_loss", loss)
        self.log("share", 0.1, on_step=True, on_epoch=True)
        return loss

    def validation_step(self, batch, index):
        self.log("val_acc", 0.7)

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), self.hparams.lr)


data = DataLoader(TensorDataset(torch.ones(4, 1)), batch_size=1)
trainer = lightning.Trainer(
    max_epochs=2,
    logger=CSVLogger(folder / "trainer", name="logs"),
    enable_checkpointing=False,
    enable_progress_bar=False,
    enable_model_summary=False,
    log_every_n_steps=2,
    accelerator="cpu",
)
trainer.fit(Model(activation=torch.nn.ReLU()), data, data)
