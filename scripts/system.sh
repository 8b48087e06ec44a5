#!/usr/bin/env bash
# See to what comes from the system: Chromium and a library of Playwright's, Chinese fonts, pango, and for the tests
# PostgreSQL and LibreOffice (not with --without-postgresql).
# As root what is missing is installed by apt; otherwise the one line to run is printed. Nothing is called when all
# is there. Without a browser or PostgreSQL this fails; without fonts and pango pages look worse and letters
# have no PDF; without LibreOffice a test fails that opens the spreadsheets in it.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

want_postgresql=yes
[ "${1:-}" = --without-postgresql ] && want_postgresql=no

# The same look-up as the product's: QINGYUAN_CHROMIUM, Playwright's own, /usr/bin/chromium. One that cannot start
# (libraries missing) counts as missing.
has_chromium() {
    local path
    path=$(.venv/bin/python -c 'from crawler.chromium import find_chromium; print(find_chromium())' 2>/dev/null) &&
        "$path" --version >/dev/null 2>&1
}
has_fonts() { [ -n "$(fc-list ':lang=zh-cn' family 2>/dev/null)" ]; }
has_library() { [ "$(uname)" != Linux ] || PATH=$PATH:/sbin:/usr/sbin ldconfig -p 2>/dev/null | grep "$1" >/dev/null; }
has_pango() { has_library libpango-1.0.so.0 && has_library libpangoft2-1.0.so.0; }
# Playwright brings a node of its own, which needs one library that a bare Debian lacks.
has_driver() { has_library libatomic.so.1; }
has_postgresql() {
    local folder
    for folder in "$(pg_config --bindir 2>/dev/null || true)" /usr/lib/postgresql/*/bin; do
        [ -x "$folder/initdb" ] && [ -x "$folder/pg_ctl" ] && return
    done
    return 1
}

has_libreoffice() { command -v soffice >/dev/null; }

# look: fill `missing` with the packages, `vital` with those without which work cannot go on.
look() {
    missing=() vital=()
    has_driver || vital+=(libatomic1)
    has_chromium || vital+=(chromium)
    [ "$want_postgresql" = no ] || has_postgresql || vital+=(postgresql)
    [ "$want_postgresql" = no ] || has_libreoffice || missing+=(libreoffice-calc-nogui)
    has_fonts || missing+=(fontconfig fonts-noto-cjk)
    has_pango || missing+=(libpango-1.0-0 libpangoft2-1.0-0)
}

if [ -n "${QINGYUAN_CHROMIUM:-}" ] && ! has_chromium; then
    fail "QINGYUAN_CHROMIUM=$QINGYUAN_CHROMIUM cannot be started"
fi
has_driver || ! can_install || apt_install libatomic1
look
if [[ " ${vital[*]-} " == *" chromium "* ]]; then
    say "No Chromium found, trying Playwright's (apt is next)"
    .venv/bin/playwright install chromium >/dev/null 2>&1 || say "Playwright's own is not to be had"
    look
fi
if [ $((${#vital[@]} + ${#missing[@]})) -gt 0 ] && can_install; then
    apt_install "${vital[@]}" "${missing[@]}"
    look
fi
if [ $((${#vital[@]} + ${#missing[@]})) -gt 0 ]; then
    say "Missing on this system; as root: $(install_line "${vital[@]}" "${missing[@]}")"
fi
[ ${#vital[@]} = 0 ]
