#!/bin/sh
# Everything between the mounted root and the login prompt. Each fact goes to the serial console: `tiny: … [uptime]`.
export PATH=/bin:/sbin:/usr/bin:/usr/sbin
say() { echo "tiny: $* [$(cut -d' ' -f1 /proc/uptime)]" >/dev/console; }

device=$(awk '$2 == "/" && $1 ~ /^\/dev/ {print $1}' /proc/mounts)
if [ -n "$device" ]; then
    resize2fs "$device" >/dev/null 2>&1
    say "root file system $(df -m / | awk 'END {print $2}') MiB"
fi

hostname -F /etc/hostname
ip link set lo up
/etc/acpi-power &
for card in /sys/class/net/*; do
    [ "${card##*/}" = lo ] || say "net $(/etc/net-up "${card##*/}")"
done

mkdir -p /root/.ssh /etc/tiny
chmod 700 /root /root/.ssh
/etc/fetch-config
. /run/tiny.env
hostname -F /etc/hostname
say "configured host=$(hostname) source=$SOURCE instance=$INSTANCE"

[ -f /etc/dropbear/dropbear_ed25519_host_key ] || {
    mkdir -p /etc/dropbear
    dropbearkey -t ed25519 -f /etc/dropbear/dropbear_ed25519_host_key >/dev/null 2>&1
}
/etc/ssh-up && say "ssh up"

for port in /sys/class/virtio-ports/*; do
    [ -f "$port/name" ] && DEVNAME=${port##*/} ACTION=add SUBSYSTEM=virtio-ports /etc/hotplug
done
[ -x /usr/sbin/qemu-ga ] && [ -e /dev/virtio-ports/org.qemu.guest_agent.0 ] && mkdir -p /run/qemu &&
    qemu-ga -d -m virtio-serial -p /dev/virtio-ports/org.qemu.guest_agent.0 -f /run/qemu-ga.pid && say "agent up"
uevent /etc/hotplug >/dev/null 2>&1 &

if [ -x /run/user-data ]; then
    /run/user-data >/var/log/user-data.log 2>&1 </dev/null
    say "user-data exit=$?"
fi
# Only now: a boot that was cut off before configures itself again.
echo "$INSTANCE" >/etc/tiny/instance
say "boot finished host=$(hostname) source=$SOURCE"
