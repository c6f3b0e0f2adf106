#!/bin/sh
# Starts the gateway in the foreground: copies the configuration beside this script into a folder in memory, writes the
# files that depend on the environment, checks all of it, and becomes nginx. More arguments go to nginx. README.md
# beside this script has the list of variables; one that is not set leaves the file as it is.
set -eu

source=$(cd "$(dirname "$0")" && pwd)
folder=${GATEWAY_DIR:-/run/eyenet-gateway}
conf=$folder/conf
mkdir -p "$conf"
cp "$source"/*.conf "$conf/"
chmod u+w "$conf"/*.conf
# An address in brackets is no pattern for file names.
set -f

words() { echo "$1" | tr ',' ' '; }
edit() { sed -i "s/$2/$3/" "$conf/$1"; }

if [ -n "${GATEWAY_PORT:-}" ]; then
    {
        echo "listen $GATEWAY_PORT ${TLS_CERTIFICATE:+ssl }default_server;"
        echo "listen [::]:$GATEWAY_PORT ${TLS_CERTIFICATE:+ssl }default_server;"
        if [ -n "${TLS_CERTIFICATE:-}" ]; then
            echo "ssl_certificate $TLS_CERTIFICATE;"
            echo "ssl_certificate_key $TLS_KEY;"
        fi
    } > "$conf/listen.conf"
fi
# nginx would not start on a kernel that has no IPv6; Linux says so by the absence of this file.
if [ -d /proc ] && [ ! -e /proc/net/if_inet6 ]; then
    edit listen.conf '^listen \[::\].*' ''
fi

if [ -n "${BACKENDS:-}" ]; then
    resolver=${RESOLVER:-}
    if [ "$resolver" = system ]; then
        resolver=$(sed -n -e 's/^nameserver *\([0-9.]*\) *$/\1/p' -e 's/^nameserver *\([0-9a-fA-F:]*\) *$/[\1]/p' \
            /etc/resolv.conf | head -n 1)
    fi
    {
        if [ -n "$resolver" ]; then
            echo "resolver $resolver valid=5s ipv6=off;"
            echo "resolver_timeout 5s;"
        fi
        for server in $(words "$BACKENDS"); do
            echo "server $server ${resolver:+resolve }max_fails=0;"
        done
    } > "$conf/upstream_servers.conf"
fi

if [ -n "${ALLOWED_ORIGINS+set}" ]; then
    echo "map \"\" \$allowed_origins { default \"$ALLOWED_ORIGINS\"; }" > "$conf/origins.conf"
fi

for proxy in $(words "${TRUSTED_PROXIES:-}"); do
    echo "set_real_ip_from $proxy;" >> "$conf/trusted_proxies.conf"
done

if [ -n "${MAX_BODY_MB:-}" ]; then
    edit work_limits.conf '^\(client_[a-z_]*_size\) .*' "\1 ${MAX_BODY_MB}m;"
fi
if [ -n "${REQUEST_TIMEOUT_S:-}" ]; then
    whole=$((${REQUEST_TIMEOUT_S%.*} + 0))
    edit limits.conf '^proxy_read_timeout .*' "proxy_read_timeout $((whole + 15))s;"
    # 0 would be no limit.
    edit limits.conf '^proxy_next_upstream_timeout .*' "proxy_next_upstream_timeout $((whole - whole / 4 + !whole))s;"
fi
if [ -n "${RATE_PER_ADDRESS:-}" ]; then
    edit limits.conf 'rate=[^;]*' "rate=${RATE_PER_ADDRESS}r\/s"
fi

# Under systemd standard output is a socket, which cannot be opened by name.
if ! (: >> /dev/stdout) 2> /dev/null; then
    edit nginx.conf '\/dev\/stdout' 'syslog:server=unix:\/dev\/log,nohostname,tag=eyenet_gateway'
fi

nginx -p "$folder/" -c "$conf/nginx.conf" -e stderr -t -q "$@"
exec nginx -p "$folder/" -c "$conf/nginx.conf" -e stderr "$@"
