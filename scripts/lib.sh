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
    local command=(apt-get install -y -qq -o Dpkg::Use-Pty=0 --no-install-recommends "$@")
    export DEBIAN_FRONTEND=noninteractive
    say "Installing by apt: $* (may take some minutes)"
    "${command[@]}" >/dev/null 2>&1 && return
    apt-get update -qq >/dev/null
    "${command[@]}" >/dev/null
}
