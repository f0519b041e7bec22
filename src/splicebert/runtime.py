"""Where and in which precision inference runs."""

from __future__ import annotations

import contextlib
import ctypes
from dataclasses import dataclass

import torch

from .errors import SpliceBERTError

DTYPES = ("float32", "float16", "bfloat16", "int8")
# Which precision may serve which purpose. The difference of two runs (KL, delta P, mutagenesis) is
# so much smaller than either that bfloat16 or int8 would leave nothing but rounding noise.
PURPOSES = {
    "embedding": DTYPES,
    "probability": ("float32", "float16", "int8"),
    "difference": ("float32", "float16"),
}


@dataclass(frozen=True)
class Runtime:
    """Where and how inference runs.

    Attributes
    ----------
    device : torch.device
    dtype : str
        Of the matrix products: "float32", "float16", "bfloat16" or "int8"; results are float32.
    batch_nt : int
        Nucleotides a batch, special tokens not counted; halved when memory runs out.
    buffer : int
        Sequences read ahead and sorted by length.
    purpose : str
        What the numbers are for: "embedding", "probability" or "difference" (of two runs).
    """

    device: torch.device
    dtype: str = "float32"
    batch_nt: int = 8192
    buffer: int = 256
    purpose: str = "probability"

    def __post_init__(self) -> None:
        if self.batch_nt < 1 or self.buffer < 1:
            raise SpliceBERTError(
                f"batch_nt {self.batch_nt}, buffer {self.buffer}; expected 1 or more"
            )
        if self.purpose not in PURPOSES:
            raise SpliceBERTError(
                f"purpose {self.purpose!r}; expected one of {', '.join(PURPOSES)}"
            )
        if self.dtype not in DTYPES:
            raise SpliceBERTError(
                f"dtype {self.dtype!r}; expected auto or one of {', '.join(DTYPES)}"
            )
        if self.dtype not in PURPOSES[self.purpose]:
            raise SpliceBERTError(
                f"dtype {self.dtype!r} is too coarse where the numbers are used as "
                f"{self.purpose!r}; expected auto or one of {', '.join(PURPOSES[self.purpose])}"
            )
        if self.dtype == "int8" and self.device.type != "cpu":
            raise SpliceBERTError(f"dtype 'int8' runs on the CPU only, not on {self.device}")

    @classmethod
    def choose(
        cls,
        device: str = "auto",
        dtype: str = "auto",
        batch_nt: int | None = None,
        buffer: int | None = None,
        *,
        purpose: str = "probability",
    ) -> Runtime:
        """Resolve "auto": the GPU if there is one, with float16 products; else the CPU, float32.

        Raises
        ------
        SpliceBERTError
            A device that this machine lacks, or an unknown dtype, or one too coarse for `purpose`.
        """
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        on_gpu = device.startswith("cuda")
        if on_gpu and not torch.cuda.is_available():
            raise SpliceBERTError(
                f"device {device!r} was asked for, but torch sees no GPU; take auto or cpu "
                "(inference.device in a configuration)"
            )
        try:
            where = torch.device(device)
        except RuntimeError as error:
            raise SpliceBERTError(
                f"device {device!r}; expected auto, cpu, cuda or cuda:N"
            ) from error
        if dtype == "auto":
            dtype = "float16" if on_gpu else "float32"
        if batch_nt is None:
            batch_nt = 65536 if on_gpu else 1024
        if buffer is None:  # some batches of the longest sequences, so that the last ones are full
            buffer = 2048 if on_gpu else 256
        return cls(where, dtype, batch_nt, buffer, purpose)

    def describe(self) -> str:
        """One line for the log: the device by name, threads, precision, batch."""
        if self.device.type == "cuda":
            where = f"{self.device} ({torch.cuda.get_device_name(self.device)})"
        else:
            where = f"{self.device} ({torch.get_num_threads()} threads)"
        return f"device {where}, dtype {self.dtype}, {self.batch_nt} nt a batch"


def release_memory() -> None:
    """Give freed memory back to the system, where the C library can (glibc's malloc_trim).

    A long run frees blocks between others that live on, and glibc keeps such holes: the resident
    memory creeps up though nothing is held.
    """
    # Without glibc (macOS, musl, Windows) there is nothing to do.
    with contextlib.suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)
