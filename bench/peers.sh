#!/bin/sh
# Measures Millrace beside kinesis-mock and kinesalite, with AWS's JavaScript client, on loopback, one after the other, and
# again in the other order: PutRecord calls a second from 32 connections with their latencies, records a second of PutRecords
# (4 connections, 500 a call) and of GetRecords. Records have 1 KiB, the stream four shards. Millrace is durable (every put is
# synced), the others keep all in memory. Not part of `make test`: it takes the npm packages from the registry.
#
#	bench/peers.sh [SECONDS]      each of the three loads takes so long (default 3)
#
# The packages go to BENCH_PEERS, a folder that is kept when it is given and removed otherwise.
set -eu

seconds=${1:-3}
here=$(cd "$(dirname "$0")" && pwd)
limit=$((seconds * 6 + 60)) # seconds that one measurement may take at most
row='%-14s %12s %9s %9s %12s %12s\n'
heap=1024                   # MiB that a server written in JavaScript may use

server=
work=$(mktemp -d)
clean() {
	[ -z "$server" ] || kill "$server" 2>/dev/null || true
	rm -rf "$work"
}
trap clean EXIT
trap 'exit 1' INT TERM

peers=${BENCH_PEERS:-$work/peers}
mkdir -p "$peers"
if [ ! -d "$peers/node_modules/@aws-sdk/client-kinesis" ]; then
	timeout 300 npm install --no-audit --no-fund --prefix "$peers" \
		kinesis-local@0.6.2 kinesalite@3.3.3 @aws-sdk/client-kinesis@3 @smithy/node-http-handler >&2
fi
(cd "$here/.." && CGO_ENABLED=0 go build -trimpath -o "$work/millrace" ./cmd/millrace)

# start NAME PORT runs a server in the background.
start() {
	case $1 in
	millrace)
		timeout "$limit" "$work/millrace" up --listen "127.0.0.1:$2" --data-dir "$work/data-$2" &
		;;
	kinesis-mock)
		( # it looks for its certificate in its working directory
			cd "$peers/node_modules/kinesis-local"
			export SHARD_LIMIT=50 LOG_LEVEL=ERROR KINESIS_MOCK_PLAIN_PORT="$2" KINESIS_MOCK_TLS_PORT=$(($2 + 1))
			exec timeout "$limit" node --max-old-space-size=$heap main.js
		) &
		;;
	kinesalite)
		timeout "$limit" node --max-old-space-size=$heap "$peers/node_modules/kinesalite/cli.js" --port "$2" --shardLimit 50 &
		;;
	esac >"$work/$1.log" 2>&1
	server=$!
}

# await PORT returns when something listens there.
await() {
	node -e '
		const net = require("net"), end = Date.now() + 30000;
		const dial = () => net.connect(+process.argv[1], "127.0.0.1")
			.on("connect", () => process.exit(0))
			.on("error", () => Date.now() > end ? process.exit(1) : setTimeout(dial, 100));
		dial()' "$1"
}

measure() {
	start "$1" "$2"
	if await "$2" && line=$(cd "$peers" && timeout "$limit" node "$here/load.mjs" "http://127.0.0.1:$2" "$seconds" 2>"$work/$1.err"); then
		printf "$row" "$1" $line # five figures
	else
		printf '%-14s failed: %s\n' "$1" "$(grep -m1 -i error "$work/$1.err" "$work/$1.log" || echo 'no answer')"
	fi
	kill "$server" 2>/dev/null || true
	wait "$server" 2>/dev/null || true
	server=
}

port=$((20000 + $$ % 20000))
printf 'load: %s\n' "$(cut -d' ' -f1-3 /proc/loadavg 2>/dev/null || uptime)"
printf "$row" server PutRecord/s 'p50 ms' 'p99 ms' PutRecords GetRecords
for name in millrace kinesalite kinesis-mock kinesis-mock kinesalite millrace; do
	port=$((port + 2))
	measure "$name" "$port"
done
printf 'load: %s\n' "$(cut -d' ' -f1-3 /proc/loadavg 2>/dev/null || uptime)"
