#!/bin/sh
# Makes the environment in .venv, as far as what is asked for needs it: run, dev (checks) or test (browser too).
# A second call compares one hash and ends. Everything is pinned by constraints.txt.
set -eu
cd "$(dirname "$0")"

level=${1:-run}
case $level in
run) wider="run dev test" ;;
dev) wider="dev test" ;;
test) wider="test" ;;
*)
    echo "usage: setup.sh [run|dev|test]" >&2
    exit 2
    ;;
esac

key=$(cat setup.sh pyproject.toml constraints.txt | cksum)
for done in $wider; do
    if [ -x .venv/bin/labelloop ] && [ -f ".venv/.ready-$done" ] && [ "$(cat ".venv/.ready-$done")" = "$key" ]; then
        exit 0
    fi
done

say() { echo "labelloop: $*" >&2; }
stop() {
    say "$*"
    exit 1
}

# Installs Debian packages where we may, or fails with the command to type.
packages() {
    if ! command -v apt-get >/dev/null; then return 1; fi
    if [ "$(id -u)" != 0 ]; then
        say "please run: sudo apt-get install $*"
        return 1
    fi
    say "installing $*"
    export DEBIAN_FRONTEND=noninteractive
    apt-get install -qq -y --no-install-recommends "$@" </dev/null >/dev/null 2>&1 && return 0
    apt-get update -qq </dev/null >/dev/null && apt-get install -qq -y --no-install-recommends "$@" </dev/null >/dev/null
}

find_python() {
    for name in python3 python3.11 python3.12 python3.13; do
        if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$name"
            return 0
        fi
    done
    return 1
}

make_environment() {
    if [ -x .venv/bin/python ] && .venv/bin/python -m pip --version >/dev/null 2>&1; then return 0; fi
    python=$(find_python) || stop "Python 3.11 or newer is needed and was not found."
    rm -rf .venv
    if ! "$python" -c 'import ensurepip' 2>/dev/null; then
        packages python3-venv || stop "Python's venv module is needed to make the environment."
    fi
    say "making the environment (once; some gigabytes with PyTorch)"
    "$python" -m venv .venv
}

install_packages() {
    extras=.
    if [ "$level" != run ]; then extras=".[dev]"; fi
    quiet=
    if [ -n "${CI:-}" ]; then quiet=--quiet; fi
    # uv resolves and unpacks some times faster than pip; where it does not exist, pip does the same.
    if .venv/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt uv; then
        # shellcheck disable=SC2086
        VIRTUAL_ENV=$PWD/.venv .venv/bin/uv pip install $quiet -c constraints.txt -e "$extras"
    else
        .venv/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e "$extras"
    fi
}

mongod_works() {
    .venv/bin/python - <<'END'
import sys
from core.domain.errors import MissingProgram
from core.services.mongod_program import ensure_mongod, version

def announce(sentence):
    print("labelloop:", sentence, file=sys.stderr)

try:
    version(ensure_mongod(announce))
except MissingProgram as error:
    sys.exit(f"labelloop: {error}")
END
}

# The product says what is missing when it starts; tests cannot do without.
provide_mongod() {
    if said=$(mongod_works 2>&1); then return 0; fi
    case $said in
    *"apt-get install"*) if packages libcurl4 libssl3 && mongod_works; then return 0; fi ;;
    esac
    echo "$said" >&2
    [ "$level" = run ] || exit 1
}

has_browser() {
    for name in "${LABELLOOP_CHROMIUM:-chromium}" chromium chromium-browser google-chrome google-chrome-stable; do
        if command -v "$name" >/dev/null; then return 0; fi
    done
    return 1
}

# Chromium, fonts for every script (file names are shown in all of them), and what Playwright's driver loads.
provide_browser() {
    has_browser || packages chromium fonts-noto-core fonts-noto-cjk fonts-noto-color-emoji ||
        stop "The browser tests need Chromium: install it, or name one in LABELLOOP_CHROMIUM."
    if said=$(.venv/bin/python -m playwright --version 2>&1); then return 0; fi
    case $said in
    *libatomic*) if packages libatomic1 && .venv/bin/python -m playwright --version >/dev/null; then return 0; fi ;;
    esac
    stop "Playwright, which drives the browser, does not start: $said"
}

make_environment
install_packages
if [ "$level" != dev ]; then provide_mongod; fi
if [ "$level" = test ]; then provide_browser; fi
echo "$key" >".venv/.ready-$level"
