#!/bin/sh
# What udhcpc learned goes to the card. With option 121 (staticroutes) the router option does not count: RFC 3442.
case "$1" in
    deconfig)
        ip addr flush dev $interface
        ip link set $interface up
        ;;
    bound | renew)
        ip addr show dev $interface | grep -q "inet $ip/" || {
            ip addr flush dev $interface
            ip addr add $ip/${mask:-24} dev $interface
        }
        [ -n "$mtu" ] && ip link set $interface mtu $mtu
        if [ -n "$staticroutes" ]; then
            set -- $staticroutes
            while [ -n "$2" ]; do
                if [ "$2" = 0.0.0.0 ]; then
                    ip route add $1 dev $interface 2>/dev/null
                else
                    ip route add $1 via $2 dev $interface 2>/dev/null
                fi
                shift 2
            done
        elif [ -n "$router" ]; then
            ip route add default via ${router%% *} dev $interface 2>/dev/null
        fi
        [ -n "$dns" ] && for server in $dns; do echo "nameserver $server"; done >/etc/resolv.conf
        ;;
esac
exit 0
