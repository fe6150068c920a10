"""What kind of file system a file lies on. SQLite's locks hold on local disks alone.

Source:
    sqlite-howtocorrupt (2.1)
"""

from __future__ import annotations

import os
import re
from pathlib import Path

# File systems of other machines, or of the machine around this one; a share that is mounted through FUSE names itself.
FAR = frozenset(
    {
        *("nfs", "nfs4", "cifs", "smb3", "smbfs", "ncpfs", "afs", "9p", "virtiofs", "vboxsf", "prl_fs", "davfs", "webdav"),
        *("ceph", "lustre", "gfs2", "ocfs2", "beegfs", "gpfs", "orangefs", "panfs", "coda", "fuse.ceph", "fuse.glusterfs"),
        *("fuse.sshfs", "fuse.davfs2", "fuse.rclone", "fuse.s3fs", "fuse.gcsfuse", "fuse.blobfuse2", "fuse.gvfsd-fuse"),
        *("fuse.curlftpfs", "fuse.smbnetfs", "fuse.vmhgfs-fuse", "fuse.onedriver", "fuse.google-drive-ocamlfuse"),
    }
)


def filesystem_of(path: Path) -> str:
    """The kind of file system that a path lies on; empty where the system does not tell."""
    try:
        lines = Path("/proc/mounts").read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return ""
    place, found, longest = os.path.realpath(path), "", -1
    for line in lines:
        _, point, kind, *_ = line.split(" ")
        point = re.sub(r"\\([0-7]{3})", lambda each: chr(int(each[1], 8)), point)
        inside = place == point or place.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= longest:  # of two mounts at one place the later one is seen
            found, longest = kind, len(point)
    return found


def far(path: Path) -> str:
    """The kind of file system if it is one where locks do not hold; else empty."""
    kind = filesystem_of(path)
    return kind if kind in FAR else ""
