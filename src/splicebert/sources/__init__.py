"""Download, check, unpack and decompress public files; nothing half-done is ever seen.

Files of up to 10 GB come from servers that break off, so a download has to go on where it stopped.
`requests` does the fetching (TLS, proxies, redirects) and urllib3 reads `Retry-After`; what is kept
between attempts, and when it may be continued, is decided here. pooch 1.9 has no resume and no
mirrors, waits 1 to 10 seconds whatever the server says, and stands on requests, too. Snakemake's
HTTP storage plugin has no resume and no checksums, and asks the server whenever a workflow is
planned, so that a full cache is of no use offline.
"""

from .archives import Limits, decompress, unpack
from .checksums import FileEntry, listed_checksum, record_entry
from .fetching import download, fetch
from .manual import check_manual, check_placed
from .partial import finished
from .problems import DiskFullError, SourceError, WrongFileError
from .web import Patience

__all__ = [
    "DiskFullError",
    "FileEntry",
    "Limits",
    "Patience",
    "SourceError",
    "WrongFileError",
    "check_manual",
    "check_placed",
    "decompress",
    "download",
    "fetch",
    "finished",
    "listed_checksum",
    "record_entry",
    "unpack",
]
