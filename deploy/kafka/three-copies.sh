#!/usr/bin/env bash
# Gives every topic three copies, on brokers 1 to 3, and lets a write count once two of them have it (min.insync.replicas).
# Idempotent. It finds those that were created while fewer brokers were there, also Kafka's own and the registry's.
set -euo pipefail
cd "$(mktemp -d)"
bin=/opt/kafka/bin

describe() { $bin/kafka-topics.sh --bootstrap-server "$BROKERS" --describe; }

# `Topic: T  Partition: P  Leader: L  Replicas: 1  Isr: …` becomes an entry of a reassignment when it has fewer than three.
# The first copy is the one that leads when all are there: another one for each partition.
describe | awk '
  $1 == "Topic:" && $3 == "Partition:" {
    for (i = 1; i < NF; i++) if ($i == "Replicas:") replicas = $(i + 1)
    if (split(replicas, there, ",") >= 3) next
    entries = entries (entries == "" ? "" : ",\n") sprintf("{\"topic\":\"%s\",\"partition\":%d,\"replicas\":[%d,%d,%d]}", \
      $2, $4, $4 % 3 + 1, ($4 + 1) % 3 + 1, ($4 + 2) % 3 + 1)
  }
  END { if (entries != "") print "{\"version\":1,\"partitions\":[\n" entries "\n]}" }
' > copies.json

if [ -s copies.json ]; then
  $bin/kafka-reassign-partitions.sh --bootstrap-server "$BROKERS" --reassignment-json-file copies.json --execute
  for _ in {1..60}; do
    $bin/kafka-reassign-partitions.sh --bootstrap-server "$BROKERS" --reassignment-json-file copies.json --verify \
      > state.txt
    grep -q 'still in progress' state.txt || break
    sleep 10
  done
  cat state.txt
  if grep -q 'still in progress' state.txt; then exit 1; fi
fi

# The line without a partition tells a topic's settings; those of its own come after `Configs:`.
describe | awk '$1 == "Topic:" && $3 == "TopicId:" && !/min\.insync\.replicas=[23]/ { print $2 }' | while read -r topic; do
  $bin/kafka-configs.sh --bootstrap-server "$BROKERS" --entity-type topics --entity-name "$topic" \
    --alter --add-config min.insync.replicas=2 < /dev/null
done
