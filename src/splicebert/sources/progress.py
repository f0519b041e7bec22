"""Progress of a download: a bar on a terminal, a line in the log every so often."""

from __future__ import annotations

from types import TracebackType

from tqdm import tqdm

from .problems import human
from .web import LOG, Patience


class Progress:
    """Counts the bytes of one connection.

    Parameters
    ----------
    name
        File, for people.
    start, total
        Bytes that are there, and that there will be; None where nobody knows.
    patience
        Its clock, and the time between two lines.
    """

    def __init__(self, name: str, start: int, total: int | None, patience: Patience) -> None:
        self.name, self.start, self.count, self.total = name, start, start, total
        self.patience = patience
        self.began = self.said = patience.clock()
        self.bar = tqdm(
            total=total, initial=start, unit="B", unit_scale=True, desc=name, disable=None
        )

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.bar.close()

    def update(self, count: int) -> None:
        """Add bytes that have arrived."""
        self.count += count
        self.bar.update(count)
        now = self.patience.clock()
        if now - self.said >= self.patience.report:
            self.said = now
            LOG.info("%s", self._line(now))

    def _line(self, now: float) -> str:
        speed = (self.count - self.start) / max(now - self.began, 1e-9)
        if not self.total:
            return f"{self.name}: {human(self.count)}, {human(speed)}/s"
        left = (self.total - self.count) / max(speed, 1e-9)
        return (
            f"{self.name}: {100 * self.count / self.total:.0f} % of {human(self.total)}, "
            f"{human(speed)}/s, {left / 60:.0f} min left"
        )
