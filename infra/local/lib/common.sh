# Sourced by every script of infra/local: words to the person, and where things are.
# shellcheck shell=bash

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)"
local_infra="$root/infra/local"
cache="${CHASQUI_INFRA_CACHE:-$root/target/infra/cache}"
# How long anything that is waited for may take: a machine that compiles meanwhile is slow.
patience="${CHASQUI_INFRA_PATIENCE:-120}"

say() {
    echo "$*" >&2
}

fail() {
    say "$*"
    exit 1
}

# The comment at the head of a script is its help.
show_help() {
    sed -n '2,/^[^#]/ { s/^# \{0,1\}//p }' "$0"
}

misused() {
    fail "$1
$(basename "$0") --help tells how it is used."
}

# set_line FILE KEY TEXT: the one line that begins with this key.
set_line() {
    sed -i "/^${2//./\\.}[=:]/d" "$1"
    echo "$3" >>"$1"
}

# version_of SERVER: the version that its pom.xml pins.
version_of() {
    local line
    while read -r line; do
        [[ $line == "<version>"* ]] && break
    done <"$local_infra/servers/$1/pom.xml"
    line="${line#<version>}"
    echo "${line%</version>}"
}

# libraries_of SERVER: where fetch puts it.
libraries_of() {
    echo "$cache/$1-$(version_of "$1")"
}
