"""A disk whose power can be cut: an ext4 or xfs file system in an image file, mounted from a loop device.

The cut is the shutdown that file systems offer their own tests: from that moment nothing reaches the image, neither what
waits in memory nor the file system's own log. Mounting it again does what a machine does that starts after a power cut.
Only root can mount.
"""

from __future__ import annotations

import fcntl
import os
import struct
import subprocess
import time
from pathlib import Path

SHUTDOWN = 0x8004587D  # FS_IOC_SHUTDOWN
WITHOUT_FLUSHING = 2
SIZES = {"ext4": 48 << 20, "xfs": 320 << 20}  # bytes; xfs is made no smaller
QUIETLY = {"ext4": ("-q", "-F"), "xfs": ("-q", "-f")}


class PowerSupply:
    """The image, where it is mounted, its power, and how often that was really gone."""

    def __init__(self, where: Path, kind: str = "ext4", size: int = 0) -> None:
        self.fired = 0
        self.folder = where / "disk"
        self._image = where / "disk.img"
        self.folder.mkdir()
        with self._image.open("wb") as file:
            file.truncate(size or SIZES[kind])
        subprocess.run([f"mkfs.{kind}", *QUIETLY[kind], str(self._image)], check=True, env=_with_sbin())

    def connect(self) -> None:
        subprocess.run(["mount", "-o", "loop", str(self._image), str(self.folder)], check=True)

    def disconnect(self) -> None:
        """Unmount it; processes that were killed may hold it for a moment yet."""
        for _ in range(50):
            if subprocess.run(["umount", str(self.folder)], capture_output=True, check=False).returncode == 0:
                return
            time.sleep(0.2)
        subprocess.run(["umount", str(self.folder)], check=True)

    def cut(self) -> None:
        """From now on nothing reaches the image; counted if that is so."""
        folder = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.ioctl(folder, SHUTDOWN, struct.pack("I", WITHOUT_FLUSHING))
        finally:
            os.close(folder)
        try:
            (self.folder / "after the cut").write_bytes(b"x")
        except OSError:
            self.fired += 1


def _with_sbin() -> dict[str, str]:
    return {**os.environ, "PATH": f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"}
