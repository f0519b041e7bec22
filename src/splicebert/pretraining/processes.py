"""One process or many: who this process is, where it computes, and sums over all of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import distributed

from ..errors import ConfigError


class Process(NamedTuple):
    """One process: its rank among `size` processes, and its device."""

    rank: int
    size: int
    device: torch.device

    @property
    def leads(self) -> bool:
        """Whether it is the one that writes files."""
        return self.rank == 0

    def total(self, tensor: torch.Tensor) -> torch.Tensor:
        """Sum a tensor over all processes, in place."""
        if self.size > 1:
            distributed.all_reduce(tensor)
        return tensor

    def wait(self) -> None:
        """Wait for all processes."""
        if self.size > 1:
            distributed.barrier()


def choose_device(wanted: str, local_rank: int = 0) -> torch.device:
    """Device of a process; ConfigError where a GPU was asked for and there is none for it."""
    found = torch.cuda.device_count()
    if wanted == "cpu" or (wanted == "auto" and not found):
        return torch.device("cpu")
    if local_rank >= found:
        raise ConfigError(
            f"hardware: process {local_rank} of this machine has no GPU of its own, torch sees "
            f"{found}; take fewer processes, or device: cpu"
        )
    return torch.device("cuda", local_rank)


@contextmanager
def joined(hardware: dict[str, Any]) -> Iterator[Process]:
    """Join the processes that torchrun has started (it says so in the environment), or be alone.

    Parameters
    ----------
    hardware
        The section `hardware` of a run.
    """
    torch.set_num_threads(hardware["threads"])
    size = int(os.environ.get("WORLD_SIZE", "1"))
    device = choose_device(hardware["device"], int(os.environ.get("LOCAL_RANK", "0")))
    if device.type == "cuda":
        torch.cuda.set_device(device)
    if size == 1:
        yield Process(0, 1, device)
        return
    distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield Process(distributed.get_rank(), size, device)
        distributed.barrier()  # one that leaves alone waits for ever
    finally:
        distributed.destroy_process_group()
