"""Archives for tests, from what they are to hold."""

import io
import tarfile
import zipfile


def tar_gz(path, members):
    """Write a .tar.gz of name -> bytes, or name -> TarInfo for anything but a file."""
    with tarfile.open(path, "w:gz") as tar:
        for name, content in members.items():
            if isinstance(content, tarfile.TarInfo):
                tar.addfile(content)
                continue
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def zipped(path, members, kind=zipfile.ZIP_DEFLATED):
    """Write a .zip of name -> bytes."""
    with zipfile.ZipFile(path, "w", kind) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path
