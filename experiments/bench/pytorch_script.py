"""The job of a run as a PyTorch user would script it: 20 epochs, a CSV, the best weights, the cost curve as PNG.

``python pytorch_script.py DATA_ROOT OUT_DIR``. All data in one tensor, fused Adam, two threads.
"""

import csv
import sys
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import torch
from torchvision import datasets

root, out = sys.argv[1], Path(sys.argv[2])
out.mkdir(parents=True)
torch.set_num_threads(2)
torch.manual_seed(0)
torch.set_flush_denormal(True)
train, test = (datasets.MNIST(root, train=part, download=True) for part in (True, False))
order = torch.randperm(60_000)
x, y = train.data.reshape(-1, 784).float() / 255, train.targets
sets = {
    "train": (x[order[10_000:]], y[order[10_000:]]),
    "val": (x[order[:10_000]], y[order[:10_000]]),
    "test": (test.data.reshape(-1, 784).float() / 255, test.targets),
}
model = torch.nn.Sequential(torch.nn.Linear(784, 20), torch.nn.LeakyReLU(), torch.nn.Linear(20, 10))
optimizer = torch.optim.AdamW(model.parameters(), lr=0.01, weight_decay=0.06, fused=True)
schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.85)
x, y = sets["train"]
best, history = float("inf"), []
for epoch in range(1, 21):
    order = torch.randperm(len(x))
    for start in range(0, len(x), 128):
        rows = order[start : start + 128]
        optimizer.zero_grad()
        cost: Any = torch.nn.functional.cross_entropy(model(x[rows]), y[rows])
        cost.backward()
        optimizer.step()
    schedule.step()
    row: list[float] = [epoch]
    with torch.no_grad():
        for images, labels in sets.values():
            logits = model(images)
            row.append(torch.nn.functional.cross_entropy(logits, labels).item())
            row.append((logits.argmax(1) == labels).float().mean().item())
    history.append(row)
    if row[3] < best:
        best = row[3]
        torch.save(model.state_dict(), out / "best.pt")
with (out / "metrics.csv").open("w", newline="") as file:
    writer = csv.writer(file)
    writer.writerow(["epoch", *(f"{name}_{figure}" for name in sets for figure in ("cost", "accuracy"))])
    writer.writerows(history)
for i, name in enumerate(sets):
    plt.plot([row[0] for row in history], [row[1 + 2 * i] for row in history], label=name)
plt.legend()
plt.savefig(out / "cost.png")
