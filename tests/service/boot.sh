#!/bin/bash
# Boots systemd in namespaces of its own over a copy of this system that vanishes with it. For tests/service/systemd.py, which
# starts it as process 1 of new mount, process, cgroup, host name and IPC namespaces.
#   boot.sh FOLDER STAGED      an empty folder for the root; what is laid over this system's root, as a folder
set -eu
folder=$1 staged=$2

mount --make-rprivate /
mount -t tmpfs tmpfs "$folder"
mkdir "$folder"/{upper,work,root}
cp -a "$staged"/. "$folder/upper/"
chown 0:0 "$folder/upper"
chmod 755 "$folder/upper"
root=$folder/root
mount -t overlay overlay -o "lowerdir=/,upperdir=$folder/upper,workdir=$folder/work" "$root"

mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup" 2>/dev/null || {
  mount -t tmpfs tmpfs "$root/sys/fs/cgroup"
  mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
}
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount -t tmpfs tmpfs "$root/tmp"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for node in null zero full random urandom tty; do
  touch "$root/dev/$node"
  mount --bind "/dev/$node" "$root/dev/$node"
done
mkdir "$root/dev/shm" "$root/dev/pts"
mount -t tmpfs tmpfs "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
for link in fd:/proc/self/fd stdin:fd/0 stdout:fd/1 stderr:fd/2; do ln -s "${link#*:}" "$root/dev/${link%%:*}"; done

mkdir -p "$root/old"
cd "$root"
pivot_root . old
umount -l /old
systemd-sysusers /usr/local/lib/sysusers.d/weft.conf
chown -R weft:weft /etc/weft/keys
export container=weft-test SYSTEMD_UNIT_PATH=/etc/weft-test:/usr/local/lib/systemd/system
exec /lib/systemd/systemd --unit=weft-test.target --log-target=journal --show-status=no
