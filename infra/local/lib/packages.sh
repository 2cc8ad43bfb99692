# Sourced where a program of the machine is needed: finds it, or installs it where that may be done.
# shellcheck shell=bash

# install_one PACKAGE...: the first of these Debian packages that exists, if this is root on Debian or Ubuntu.
install_one() {
    local package
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return 1
    mkdir -p "$root/target/infra"
    # Servers are started at once, and of apt-get only one may run.
    (
        flock 9
        # A fresh machine has no list of packages, and a list may be old.
        apt-get -qq update >&2 || exit 1
        for package in "$@"; do
            apt-cache show "$package" >/dev/null 2>&1 || continue
            say "Installing $package"
            DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends "$package" >&2 && exit
        done
        exit 1
    ) 9>"$root/target/infra/.install.lock"
}

# java_version HOME: the main number of the Java there, from a file, since starting it takes a while.
java_version() {
    local line
    [ -x "$1/bin/java" ] && [ -r "$1/release" ] || return 1
    line="$(grep -m 1 '^JAVA_VERSION=' "$1/release")" || return 1
    line="${line#*\"}"
    echo "${line%%[.\"-]*}"
}

# find_java AT_LEAST AT_MOST: the home of a Java between these, best the one that a person chose.
find_java() {
    local chosen="CHASQUI_JAVA_$1" home version on_path
    if [ -n "${!chosen:-}" ]; then
        version="$(java_version "${!chosen}")" || return 1
        ((version >= $1 && version <= $2)) || return 1
        echo "${!chosen}"
        return
    fi
    on_path="$(command -v java || true)"
    on_path="$(readlink -f "${on_path:-/nowhere/bin/java}" || true)"
    for home in "${JAVA_HOME:-/nowhere}" "${on_path%/bin/java}" /usr/lib/jvm/*; do
        version="$(java_version "$home")" || continue
        ((version >= $1 && version <= $2)) || continue
        echo "$home"
        return
    done
    return 1
}

# java_for SERVER AT_LEAST AT_MOST PACKAGE...: like find_java, and installs one or says what is missing.
java_for() {
    local server="$1" least="$2" most="$3" range="$2 or newer" chosen="CHASQUI_JAVA_$2"
    shift 3
    [ "$least" != "$most" ] || range="$least"
    find_java "$least" "$most" && return
    [ -z "${!chosen:-}" ] || fail "$server needs Java $range, and $chosen=${!chosen} is no home of one (with bin/java and release)"
    install_one "$@" && find_java "$least" "$most" && return
    fail "$server needs Java $range, and there is none in JAVA_HOME, on the PATH or in /usr/lib/jvm.
Install one (on Debian and Ubuntu: apt install $1), or point $chosen at its home, as in:
    export $chosen=/opt/jdk-$least"
}
