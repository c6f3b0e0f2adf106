#!/bin/sh
# Starts the gateway and one backend together on this machine, and stops both on Ctrl-C, SIGTERM, or when one of them
# ends: deploy/gateway/serve.sh [python]. The gateway takes PORT, on all addresses; the backend the port after it, on
# 127.0.0.1 only. Settings are the service's own, from the environment or .env. `make serve` runs this.
set -eu

PATH=$PATH:/usr/sbin:/usr/local/sbin
if ! command -v nginx > /dev/null; then
    echo "The gateway is nginx, which is not installed. Debian, Ubuntu: apt-get install nginx-light; macOS: brew install nginx" >&2
    exit 1
fi
python=${1:-python3}
cd "$(dirname "$0")/../.."
# Three of the gateway's settings have to be the backend's; the service itself knows best what they are.
settings=$("$python" -c '
import shlex, sys
from src.config.settings import load_settings
from src.core.errors import StartupError
try:
    ours = load_settings()
except StartupError as error:
    sys.exit(f"EyeNet Backend cannot start: {error}")
told = {"GATEWAY_PORT": ours.port, "ALLOWED_ORIGINS": ",".join(ours.allowed_origins), "MAX_BODY_MB": ours.max_body_mb,
        "REQUEST_TIMEOUT_S": ours.request_timeout_s}
print("\n".join(f"export {name}={shlex.quote(str(value))}" for name, value in told.items()))
')
eval "$settings"
behind=$((GATEWAY_PORT + 1))
memory=/dev/shm
[ -d "$memory" ] || memory=${TMPDIR:-/tmp}
GATEWAY_DIR=$(mktemp -d "$memory/eyenet-gateway.XXXXXX")
export GATEWAY_DIR BACKENDS="127.0.0.1:$behind"
# Where root starts it, nginx works as another user.
chmod 711 "$GATEWAY_DIR"

stopping=
trap 'stopping=yes' INT TERM HUP
LISTEN_ADDRESS=127.0.0.1 PORT=$behind "$python" main.py &
backend=$!
deploy/gateway/start.sh &
gateway=$!
echo "http://localhost:$GATEWAY_PORT is the gateway, for this network; the backend behind it is 127.0.0.1:$behind" >&2

while [ -z "$stopping" ] && kill -0 "$backend" 2> /dev/null && kill -0 "$gateway" 2> /dev/null; do
    sleep 1 &
    wait $! || :
done
# The gateway first: it lets requests finish, for which it needs the backend.
kill -QUIT "$gateway" 2> /dev/null || :
wait "$gateway" && ended_gateway=0 || ended_gateway=$?
kill -TERM "$backend" 2> /dev/null || :
wait "$backend" && ended=0 || ended=$?
rm -rf "$GATEWAY_DIR"
[ "$ended" -ne 0 ] || ended=$ended_gateway
exit "$ended"
