# Sourced by the scripts that run Java servers: an archive of what a server loads as it starts, which Java can map
# instead of reading it from the libraries again. With it a start costs half the time.
# shellcheck shell=bash

# class_archive SERVER JAVA_HOME: sets class_archive to the Java option that uses it, and makes it when it is not there,
# by starting and stopping the server once in a folder of its own.
class_archive() {
    local server="$1" version archive scratch
    if [ -n "${CHASQUI_ARCHIVE_TO:-}" ]; then
        class_archive=("-XX:ArchiveClassesAtExit=$CHASQUI_ARCHIVE_TO")
        return
    fi
    # It fits the Java that made it, and no other.
    version="$(sed -n 's/^JAVA_RUNTIME_VERSION="\(.*\)"/\1/p' "$2/release")"
    archive="$(libraries_of "$server")/classes-${version:-unknown}.jsa"
    class_archive=("-XX:SharedArchiveFile=$archive")
    [ ! -e "$archive" ] || return 0
    exec 7>"$cache/.lock-$server-classes"
    flock 7
    if [ ! -e "$archive" ]; then
        say "Preparing $server, once, for quick starts"
        # What an interrupted run left, which may still run.
        for scratch in "$cache/.prepare-$server."*; do
            [ -d "$scratch" ] || continue
            "$local_infra/$server" stop "$scratch"
            rm -rf "$scratch"
        done
        scratch="$(mktemp -d "$cache/.prepare-$server.XXXXXX")"
        # It is written as the server ends, so one that had to be killed may have left half of it.
        if (
            export CHASQUI_ARCHIVE_TO="$scratch/classes"
            "$local_infra/$server" start "$scratch" && "$local_infra/$server" stop "$scratch"
        ) >"$scratch/said" 2>&1 && [ -e "$scratch/classes" ] && ! grep -q "killing it" "$scratch/said"; then
            mv "$scratch/classes" "$archive"
        else
            cat "$scratch/said" >&2
            say "That failed, so $server will start slowly"
            class_archive=()
        fi
        "$local_infra/$server" stop "$scratch"
        rm -rf "$scratch"
    fi
    exec 7>&-
}
