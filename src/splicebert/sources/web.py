"""Ask a server patiently: what is worth another attempt, and after how long."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, TypeVar

import requests
from urllib3.exceptions import HTTPError, InvalidHeader
from urllib3.util import Retry

from .problems import BrokenError, SourceError, human

LOG = logging.getLogger("splicebert.sources")
CHUNK = 1 << 18
PROGRESS = 1 << 20  # bytes after which a download that broke off counts as getting on
AGAIN = (408, 425, 429)  # and all from 500 on
Result = TypeVar("Result")


class Patience(NamedTuple):
    """How long to try; times in seconds.

    Attributes
    ----------
    attempts
        In a row that bring nothing; one that brings 1 MiB more starts the count again.
    first_wait, longest_wait
        Before the second attempt, doubled each time; at most, also if the server asks for more.
    connect, stall
        To connect; without a byte, and the span over which `slowest` is measured.
    slowest
        Bytes a second; a slower connection is given up and opened again.
    report
        Between two lines in the log.
    sleep, clock
        Functions, for tests.
    """

    attempts: int = 8
    first_wait: float = 2
    longest_wait: float = 300
    connect: float = 30
    stall: float = 120
    slowest: float = 1024
    report: float = 60
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic

    def wait(self, failures: int, asked: float | None) -> float:
        """Seconds to wait after some failures in a row, of which the last may say how long."""
        backoff = self.first_wait * 2 ** (failures - 1)
        return min(self.longest_wait, backoff if asked is None else max(asked, 0))


PATIENCE = Patience()


def persist(
    action: Callable[[], Result], patience: Patience, amount: Callable[[], int] = lambda: 0
) -> Result:
    """Do something until it no longer raises a BrokenError, or patience is at its end.

    Parameters
    ----------
    action
        What to do.
    patience
        How often, and the waits between.
    amount
        Bytes that have arrived so far.

    Raises
    ------
    SourceError
        As many failures in a row as patience allows; any that is not a BrokenError, at once.
    """
    failures, best = 0, amount()
    while True:
        try:
            return action()
        except BrokenError as error:
            if amount() >= best + PROGRESS:
                failures, best = 0, amount()
            failures += 1
            if failures >= patience.attempts:
                raise SourceError(
                    f"{error}; gave up after {failures} attempts, try again later"
                    f"{' (what has arrived is kept)' if amount() else ''}"
                ) from error
            wait = patience.wait(failures, error.wait)
            LOG.warning(
                "%s; attempt %d of %d in %.3g s", error, failures + 1, patience.attempts, wait
            )
            patience.sleep(wait)


@contextmanager
def open_url(
    url: str,
    patience: Patience,
    headers: Mapping[str, str] | None = None,
    target: Path | None = None,
) -> Iterator[requests.Response]:
    """Open a URL once. Proxies are taken from the environment (HTTPS_PROXY, NO_PROXY).

    Parameters
    ----------
    url
        http or https; redirects are followed.
    patience
        Its times to connect and without a byte.
    headers
        To send. With a Range, the answer may also be 416 (no such bytes).
    target
        What is to be written, for the messages.

    Raises
    ------
    BrokenError
        No answer, or one that says to come back later.
    SourceError
        The server refuses.
    """
    by_hand = f", or save the file by hand as {target}" if target else ""
    try:
        response = requests.get(
            url,
            stream=True,
            timeout=(patience.connect, patience.stall),
            headers={"Accept-Encoding": "identity", **(headers or {})},
        )
    except requests.TooManyRedirects as error:
        raise SourceError(
            f"{url}: redirected in a circle ({error}); {_advice(404)}{by_hand}"
        ) from error
    except ValueError as error:  # of requests, too: a URL or a redirection that is none
        raise SourceError(f"{url}: not an address: {error}; {_advice(404)}{by_hand}") from error
    except (requests.RequestException, HTTPError) as error:
        raise BrokenError(
            f"{url}: no answer: {error}; check the network and the proxy (HTTPS_PROXY){by_hand}"
        ) from error
    with response:
        if not (response.ok or (response.status_code == 416 and "Range" in (headers or {}))):
            raise _refusal(response, url, by_hand)
        yield response


def _refusal(response: requests.Response, url: str, by_hand: str) -> SourceError:
    status = response.status_code
    message = f"{url}: HTTP {status} {response.reason}; {_advice(status)}{by_hand}"
    if status in AGAIN or status >= 500:
        return BrokenError(message, _retry_after(response))
    return SourceError(message)


def _retry_after(response: requests.Response) -> float | None:
    """Seconds that the server asks to wait: it says a number or a time."""
    try:
        return Retry().parse_retry_after(response.headers["Retry-After"])
    except (KeyError, InvalidHeader):
        return None


def _advice(status: int) -> str:
    if status in AGAIN or status >= 500:
        return "the server is busy or out of order"
    if status in (401, 403, 407):
        return "access is refused, often by a proxy or a firewall: ask who runs the network"
    return "the address may have moved: correct it in the table of sources"


def read_body(response: requests.Response, url: str, patience: Patience) -> Iterator[bytes]:
    """Yield the bytes as they are sent: a .gz that the server calls an encoding stays a .gz.

    Raises
    ------
    BrokenError
        The connection breaks off, or has become too slow.
    """
    began, count = patience.clock(), 0
    while chunk := _read(response, url):
        yield chunk
        count += len(chunk)
        seconds = patience.clock() - began
        if seconds >= patience.stall:
            if count < patience.slowest * seconds:
                raise BrokenError(
                    f"{url}: only {human(count)} in the last {seconds:.3g} s, at least "
                    f"{human(patience.slowest)} a second expected"
                )
            began, count = patience.clock(), 0


def _read(response: requests.Response, url: str) -> bytes:
    """Read what is there, without waiting for a full chunk: a slow drip must be noticed."""
    try:
        return response.raw.read1(CHUNK, decode_content=False)
    except (requests.RequestException, HTTPError, OSError) as error:
        raise BrokenError(f"{url}: the connection broke off: {error}") from error
