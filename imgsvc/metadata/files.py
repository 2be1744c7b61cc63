"""What the file system tells of a file, and its type's names."""

import os
import stat
from datetime import datetime
from pathlib import Path

from imgsvc.core.formats import FORMATS, Format, file_extension
from imgsvc.metadata.tags import Tags


def add_file_facts(path: Path, tags: Tags) -> None:
    """Times are local, with their offset, whole seconds. OSError where there is no such file."""
    status = path.stat()
    tags.add("FileSize", size_text(status.st_size))
    tags.add("FileModifyDate", _time_text(status.st_mtime_ns))
    tags.add("FileAccessDate", _time_text(status.st_atime_ns))
    tags.add("FileInodeChangeDate", _time_text(status.st_ctime_ns))
    tags.add("FilePermissions", _permissions_text(status))


def add_type(format: Format, tags: Tags) -> None:
    tags.add("FileType", format.upper())
    tags.add("FileTypeExtension", file_extension(format))
    tags.add("MIMEType", FORMATS[format].media_type)


def size_text(size: int) -> str:
    """Decimal units, each from twice its size on; one decimal below ten of them (exiftool 12.57)."""
    for unit, name in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if size >= 2 * unit:
            return f"{size / unit:.1f} {name}" if size < 10 * unit else f"{size / unit:.0f} {name}"
    return f"{size} bytes"


def _time_text(nanoseconds: int) -> str:
    moment = datetime.fromtimestamp(nanoseconds // 10**9).astimezone()
    offset = moment.strftime("%z")
    return f"{moment:%Y:%m:%d %H:%M:%S}{offset[:3]}:{offset[3:5]}"


def _permissions_text(status: os.stat_result) -> str:
    """As `ls` writes them, without its letters for set-user-ID and its kin."""
    return stat.filemode(status.st_mode & ~0o7000)
