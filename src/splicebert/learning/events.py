"""TensorBoard events of a run that may be killed and go on."""

from __future__ import annotations

import warnings
from pathlib import Path


def event_writer(folder: Path, step: int):
    """Event writer; TensorBoard hides what an earlier process wrote about later steps.

    Parameters
    ----------
    folder
        Of the events.
    step
        Steps that are done.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from torch.utils.tensorboard import SummaryWriter
    return SummaryWriter(str(folder), purge_step=step + 1)
