"""PyTorch by hand, as its guides write it: data in tensors, a plain loop, fused optimizers."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.case import Case
from benchmarks.data import CLASSES, VOCABULARY


class Last(nn.Module):
    """A recurrent layer's last output."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x)[0][:, -1]


def _norm(layer: Any) -> Any:
    return lambda size: layer(size, eps=1e-3, momentum=0.01)  # Keras's numbers.


class Block(nn.Module):
    """A residual block."""

    def __init__(self, before: int, filters: int, strides: int) -> None:
        super().__init__()
        norm = _norm(nn.BatchNorm2d)
        self.body = nn.Sequential(
            nn.Conv2d(before, filters, 3, strides, padding=1),
            norm(filters),
            nn.ReLU(),
            nn.Conv2d(filters, filters, 3, padding=1),
            norm(filters),
        )
        self.short = nn.Conv2d(before, filters, 1, strides) if strides > 1 else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.short(x) + self.body(x))


class Transformer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(16, 64)
        self.attention = nn.MultiheadAttention(64, 4, batch_first=True)
        self.norms = nn.ModuleList(nn.LayerNorm(64, eps=1e-3) for _ in range(2))
        self.mlp = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 64))
        self.head = nn.Linear(64, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = self.inner(x)
        x = self.norms[0](x + self.attention(x, x, x, need_weights=False)[0])
        x = self.norms[1](x + self.mlp(x))
        return self.head(x.mean(1))


class Embeddings(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(VOCABULARY, 32)
        nn.init.uniform_(self.table.weight, -0.05, 0.05)
        self.head = nn.Linear(32, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.table(x).mean(1))


def _tabular() -> nn.Module:
    norm, layers, before = _norm(nn.BatchNorm1d), [], 500
    for _ in range(3):
        layers += [nn.Linear(before, 512, bias=False), norm(512), nn.ReLU(), nn.Dropout(0.2)]
        before = 512
    return nn.Sequential(*layers, nn.Linear(512, CLASSES))


NETWORKS = {
    "article": lambda: nn.Sequential(
        nn.Flatten(),
        nn.Linear(784, 300),
        nn.ReLU(),
        nn.Linear(300, 100),
        nn.ReLU(),
        nn.Linear(100, CLASSES),
    ),
    "cnn": lambda: nn.Sequential(
        nn.Conv2d(1, 32, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Dropout(0.5),
        nn.Linear(1600, CLASSES),
    ),
    "resnet": lambda: nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1),
        nn.ReLU(),
        Block(32, 32, 1),
        Block(32, 64, 2),
        Block(64, 128, 2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(128, CLASSES),
    ),
    "lstm": lambda: nn.Sequential(Last(nn.LSTM(16, 64, batch_first=True)), nn.Linear(64, CLASSES)),
    "gru": lambda: nn.Sequential(Last(nn.GRU(16, 64, batch_first=True)), nn.Linear(64, CLASSES)),
    "transformer": Transformer,
    "embeddings": Embeddings,
    "tabular": _tabular,
}


class Driver:
    def __init__(
        self, module: str, case: Case, x: Any, y: Any, held: Any, channels_last: bool = False
    ) -> None:
        torch.manual_seed(0)
        self.format = {"memory_format": torch.channels_last} if channels_last else {}
        self.model = NETWORKS[case.hand]().to(**self.format)
        for name, weights in self.model.named_parameters():
            # As Keras begins, so that the losses can be compared.
            if name.endswith("bias") or "bias_" in name:
                nn.init.zeros_(weights)
            elif weights.ndim > 1 and "table" not in name:
                nn.init.xavier_uniform_(weights)
        parameters = self.model.parameters()
        self.optimizer = (
            torch.optim.SGD(parameters, lr=0.01, fused=True)
            if case.optimizer == "sgd"
            else torch.optim.Adam(parameters, lr=0.001, eps=1e-7, fused=True)
        )
        self.x, self.y = self._inputs(x), torch.from_numpy(y).long()
        self.held = held and (self._inputs(held[0]), torch.from_numpy(held[1]).long())
        self.batch_size = case.batch_size

    def _inputs(self, x: np.ndarray) -> Tensor:
        tensor = torch.from_numpy(x)
        return tensor.permute(0, 3, 1, 2).contiguous(**self.format) if x.ndim == 4 else tensor

    def _step(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        outputs = self.model(x)
        loss = F.cross_entropy(outputs, y)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.detach(), (outputs.detach().argmax(1) == y).sum()

    def epoch(self) -> float:
        self.model.train()
        total, right = torch.zeros(()), torch.zeros((), dtype=torch.long)
        order = torch.randperm(len(self.x)).split(self.batch_size)
        for rows in order:
            loss, hits = self._step(self.x[rows], self.y[rows])
            total += loss
            right += hits
        if self.held:
            self._validate(*self.held)
        right.item()
        return total.item() / len(order)

    @torch.inference_mode()
    def _validate(self, x: Tensor, y: Tensor) -> tuple[float, int]:
        self.model.eval()
        total, right = torch.zeros(()), torch.zeros((), dtype=torch.long)
        for a, b in zip(x.split(self.batch_size), y.split(self.batch_size), strict=True):
            outputs = self.model(a)
            total += F.cross_entropy(outputs, b, reduction="sum")
            right += (outputs.argmax(1) == b).sum()
        return total.item() / len(x), int(right.item())

    @torch.inference_mode()
    def predict(self, x: np.ndarray) -> None:
        self.model.eval()
        batches = self._inputs(x).split(32)
        torch.cat([F.softmax(self.model(batch), 1) for batch in batches]).numpy()

    @torch.inference_mode()
    def call(self, x: np.ndarray) -> None:
        self.model.eval()
        F.softmax(self.model(self._inputs(x)), 1).numpy()

    def train_on_batch(self, x: np.ndarray, y: np.ndarray) -> None:
        self.model.train()
        self._step(self._inputs(x), torch.from_numpy(y).long())[0].item()
