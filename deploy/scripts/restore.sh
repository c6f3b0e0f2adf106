#!/usr/bin/env bash
# Puts the files of an archive of backup.sh back, after every checksum has been found right.
#
#   deploy/scripts/restore.sh ARCHIVE              model, card, cascades, landmark file
#   deploy/scripts/restore.sh ARCHIVE --with-env   .env as well
#
# What is replaced is kept in replaced-<UTC date and time>/ beside the code. settings.py is code and stays as it is. Stop
# the service first, start it afterwards.
set -euo pipefail
umask 077

usage() {
    echo "usage: deploy/scripts/restore.sh ARCHIVE [--with-env]" >&2
    exit 2
}
[ $# -eq 1 ] || { [ $# -eq 2 ] && [ "$2" = --with-env ]; } || usage
[ "${1#-}" = "$1" ] || usage
[ -f "$1" ] || { echo "restore: there is no file $1" >&2; exit 1; }
archive=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
with_env=${2:-}
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

verify() {
    if command -v sha256sum >/dev/null; then sha256sum --quiet -c "$1"; else shasum -a 256 --quiet -c "$1"; fi
}

# On the same disk as the code, so that each file is put into place as a whole.
work=$(mktemp -d "$PWD/.restoring-XXXXXX")
trap 'rm -rf "$work"' EXIT
if ! tar -xf "$archive" -C "$work" --strip-components 1 || [ ! -f "$work/SHA256SUMS" ]; then
    echo "restore: $archive is damaged, or no archive of backup.sh: nothing was changed" >&2
    exit 1
fi
if ! (cd "$work" && verify SHA256SUMS); then
    echo "restore: the checksums above are wrong, the archive is damaged: nothing was changed" >&2
    exit 1
fi

replaced=$PWD/replaced-$(date -u +%Y%m%dT%H%M%SZ)
put_back() {
    local file=$1
    mkdir -p "$(dirname "$file")"
    if [ -e "$file" ] && ! cmp -s "$work/$file" "$file"; then
        mkdir -p "$replaced/$(dirname "$file")"
        mv "$file" "$replaced/$file"
        echo "replaced $file, the old one is in $(basename "$replaced")"
    elif [ ! -e "$file" ]; then
        echo "restored $file"
    fi
    mv "$work/$file" "$file"
}

# Only what checksums vouch for, and only where a backup has files: a list of somebody else's names is not followed.
sed -E 's/^[0-9a-f]{64} [ *]\.\///' "$work/SHA256SUMS" | while IFS= read -r file; do
    case $file in
        *..*) ;;
        src/assets/models/* | src/assets/cascades/* | src/assets/shape_predictor_68_face_landmarks.dat)
            put_back "$file"
            # Whoever runs the service must be able to read them; they are no secret.
            chmod a+r "$file"
            ;;
        .env) if [ "$with_env" = --with-env ]; then put_back "$file"; fi ;;
    esac
done
if [ -d "$work/src/assets" ]; then chmod a+rx src/assets src/assets/models; fi
if [ -d src/assets/cascades ]; then chmod a+rx src/assets/cascades; fi
echo "restored from $(basename "$archive"); now: python -m src.cli doctor, then start the service"
