#!/bin/sh
# Starts the gateway in the foreground: copies the configuration beside this script into a folder in memory, writes the
# files that depend on the environment, checks all of it, and becomes nginx. More arguments go to nginx.
#
#   GATEWAY_DIR        folder for the configuration, the pid and temporary files; must be in memory   /run/eyenet-gateway
#   GATEWAY_PORT       port to listen on                                                              8080
#   BACKENDS           host:port, separated by commas                                                 127.0.0.1:8000
#   RESOLVER           a DNS server: names in BACKENDS are asked for again every 5 seconds, each address is a backend
#                      (nginx 1.27.3 or newer); empty: they are looked up once
#   ALLOWED_ORIGINS, MAX_BODY_MB, REQUEST_TIMEOUT_S   the same values that the backends have
#   RATE_PER_ADDRESS   requests per second of one address to /predict and /upload                     10
set -eu

source=$(cd "$(dirname "$0")" && pwd)
folder=${GATEWAY_DIR:-/run/eyenet-gateway}
mkdir -p "$folder/conf"
cp "$source"/*.conf "$folder/conf/"
chmod u+w "$folder/conf"/*.conf

if [ -n "${GATEWAY_PORT:-}" ]; then
    echo "listen $GATEWAY_PORT default_server;" > "$folder/conf/listen.conf"
fi
if [ -n "${BACKENDS:-}" ]; then
    {
        if [ -n "${RESOLVER:-}" ]; then
            echo "resolver $RESOLVER valid=5s ipv6=off;"
        fi
        for server in $(echo "$BACKENDS" | tr ',' ' '); do
            echo "server $server ${RESOLVER:+resolve }max_fails=0;"
        done
    } > "$folder/conf/upstream_servers.conf"
fi
if [ -n "${ALLOWED_ORIGINS+set}" ]; then
    echo "map \"\" \$allowed_origins { default \"$ALLOWED_ORIGINS\"; }" > "$folder/conf/origins.conf"
fi
edit() { sed -i "s/$1/$2/" "$folder/conf/limits.conf"; }
if [ -n "${MAX_BODY_MB:-}" ]; then
    edit '^\(client_[a-z_]*_size\) .*' "\1 ${MAX_BODY_MB}m;"
fi
if [ -n "${REQUEST_TIMEOUT_S:-}" ]; then
    edit '^proxy_read_timeout .*' "proxy_read_timeout $((${REQUEST_TIMEOUT_S%.*} + 15))s;"
fi
if [ -n "${RATE_PER_ADDRESS:-}" ]; then
    edit 'rate=[^;]*' "rate=${RATE_PER_ADDRESS}r\/s"
fi

nginx -p "$folder/" -c "$folder/conf/nginx.conf" -e stderr -t -q "$@"
exec nginx -p "$folder/" -c "$folder/conf/nginx.conf" -e stderr "$@"
