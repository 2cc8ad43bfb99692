# Sourced where a server is made: ports that stay its own, also while it is down.
# shellcheck shell=bash

# free_port FOLDER [ADDRESS...]: one that nobody listens on, at these addresses, and that is kept for FOLDER until that
# is deleted. It is below those that the system gives to outgoing connections: one of them would else take the port of a
# server that a test has killed.
free_port() {
    local folder="$1" kept="$root/target/infra/ports" low=20000 high port address
    shift
    read -r high _ </proc/sys/net/ipv4/ip_local_port_range
    ((high > low + 1000)) || high=32768
    mkdir -p "$kept"
    for _ in {1..1000}; do
        port=$((low + RANDOM % (high - low)))
        for address in "${@:-127.0.0.1}"; do
            ! (: <>"/dev/tcp/$address/$port") 2>/dev/null || continue 2
        done
        # A link is made by one process only, and one whose folder is gone is free again.
        [ -e "$kept/$port" ] || rm -f "$kept/$port"
        ln -sn "$folder" "$kept/$port" 2>/dev/null || continue
        echo "$port"
        return
    done
    fail "Found no free port between $low and $high"
}
