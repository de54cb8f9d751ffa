#!/bin/sh
# Whether nats-server is healthy. A stream whose disk was full stays shut until the server is started again, which its
# ending by itself brings about: the engine restarts it. A server that is starting, or does not answer, is left alone.
answer=$(printf 'GET /healthz HTTP/1.0\r\n\r\n' | nc 127.0.0.1 "${1:-8222}")
case "$answer" in
*'"status":"ok"'*) exit 0 ;;
*'write error'* | *'not enabled'*) kill "${2:-1}" ;;
esac
exit 1
