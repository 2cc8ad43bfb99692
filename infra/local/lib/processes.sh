# Sourced by the scripts that run servers. A member is one process with a folder of its own, which is named in its
# command line and holds its `pid` and its `log`.
# shellcheck shell=bash

# pid_of MEMBER: its process, if it lives. A number in a file may long belong to another one.
pid_of() {
    local pid command
    read -r pid 2>/dev/null <"$1/pid" || return 1
    mapfile -d '' command 2>/dev/null <"/proc/$pid/cmdline" || return 1
    [[ "${command[*]}" == *"$1/"* ]] || return 1
    echo "$pid"
}

# launch MEMBER COMMAND...: starts it apart from this script, its terminal and its open files, so that neither Ctrl-C
# nor a caller that reads this script's output to its end meets it.
launch() {
    local member="$1"
    shift
    (
        for open in "/proc/$BASHPID/fd"/*; do
            open="${open##*/}"
            ((open <= 2)) || eval "exec $open>&-"
        done
        exec setsid "$@" </dev/null >>"$member/log" 2>&1
    ) &
    echo $! >"$member/pid"
    # Until then its command line is still this script's.
    while kill -0 $! 2>/dev/null && ! pid_of "$member" >/dev/null; do sleep 0.01; done
}

# await MEMBER CHECK...: waits until the check passes, and fails with the end of the log when that does not come about.
await() {
    local member="$1" end=$((SECONDS + patience)) why
    shift
    until "$@"; do
        if ! pid_of "$member" >/dev/null; then
            why="has ended"
        elif ((SECONDS >= end)); then
            why="is not ready after $patience s (CHASQUI_INFRA_PATIENCE sets it)"
        else
            sleep 0.1
            continue
        fi
        tail -n 30 "$member/log" >&2
        say "${member##*/} $why. Above is the end of $member/log"
        return 1
    done
}

# give_up MEMBER...: a start that failed leaves nothing running.
give_up() {
    stop 5 "$@"
    exit 1
}

# stop SECONDS MEMBER...: asks them to end, and kills those that have not after so long.
stop() {
    local end=$((SECONDS + $1)) member pid killed
    shift
    for member in "$@"; do
        pid="$(pid_of "$member")" || continue
        # One that a test has stopped would not hear it.
        kill -TERM "$pid" 2>/dev/null || true
        kill -CONT "$pid" 2>/dev/null || true
    done
    for member in "$@"; do
        killed=
        while pid="$(pid_of "$member")"; do
            if ((SECONDS >= end)) && [ -z "$killed" ]; then
                say "${member##*/} did not end in time: killing it"
                kill -KILL "$pid" 2>/dev/null || true
                killed=yes
            fi
            sleep 0.1
        done
        rm -f "$member/pid"
    done
}

# members FOLDER SERVER: the folders of those that were made, by number.
members() {
    local number
    for number in 1 2 3; do
        [ ! -d "$1/$2-$number" ] || echo "$1/$2-$number"
    done
}

# lock FOLDER SERVER: so that two scripts do not start the same one at once. Ends with the script.
lock() {
    mkdir -p "$1"
    exec 8>"$1/.$2.lock"
    flock --timeout "$patience" 8 || fail "Another script has been at work on $2 in $1 for $patience s"
}
