# Shared by the scripts of this folder: messages, and packages of Debian.

say() { printf '%s\n' "$*" >&2; }

fail() {
    say "error: $*"
    exit 1
}

can_install() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; }

# install_line PACKAGE...: the one line to run as root.
install_line() {
    if command -v apt-get >/dev/null; then
        printf 'apt-get update && apt-get install -y %s' "$*"
    else
        printf 'install with the system'\''s package manager what Debian calls: %s' "$*"
    fi
}

# apt_install PACKAGE...: as root; the package lists are fetched only when the first try needs them.
apt_install() {
    export DEBIAN_FRONTEND=noninteractive
    say "Installing by apt: $*"
    apt-get install -y -q --no-install-recommends "$@" >&2 && return
    apt-get update -q >&2
    apt-get install -y -q --no-install-recommends "$@" >&2
}
