from pathlib import PurePosixPath

import pytest

from ltemlive.sources.mounts import file_system_type, needs_polling

MOUNTS = """\
/dev/sda1 / ext4 rw 0 0
proc /proc proc rw 0 0
server:/data /mnt/data nfs4 rw 0 0
//pc/images /mnt/micro\\040scope cifs rw 0 0
sshfs#pc: /mnt/data/remote fuse.sshfs rw 0 0
/dev/sdb1 /mnt/data/local ext4 rw 0 0
broken
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/home/me", "ext4"),
        ("/mnt/data", "nfs4"),
        ("/mnt/data/series", "nfs4"),
        ("/mnt/database", "ext4"),
        ("/mnt/data/remote/x", "fuse.sshfs"),
        ("/mnt/data/local/x", "ext4"),
        ("/mnt/micro scope/today", "cifs"),
    ],
)
def test_the_deepest_mount_above_a_folder_counts(path, kind):
    assert file_system_type(PurePosixPath(path), MOUNTS) == kind
    assert needs_polling(PurePosixPath(path), MOUNTS) == (kind != "ext4")


def test_the_later_of_two_mounts_on_one_point_counts():
    mounts = "/dev/a /mnt ext4 rw 0 0\nserver:/ /mnt nfs rw 0 0\n"
    assert needs_polling(PurePosixPath("/mnt/x"), mounts)


def test_without_a_list_of_mounts_nothing_is_assumed():
    assert not needs_polling(PurePosixPath("/mnt/x"), "")
