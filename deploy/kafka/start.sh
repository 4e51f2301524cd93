#!/usr/bin/env bash
# Starts a broker by server.properties beside this file. The image's own start knows fixed lists of voters only, and no such
# list is right both with and without the profile `cluster`. NODE_ID 1 begins a quorum; every other one joins it.
set -euo pipefail

bin=/opt/kafka/bin
config=/tmp/server.properties
cat "$(dirname "$0")/server.properties" - > $config << END
node.id=$NODE_ID
listeners=INTERNAL://:19092,LOCAL://:$LOCAL_PORT,CONTROLLER://:9093
advertised.listeners=INTERNAL://$NAME:19092,LOCAL://localhost:$LOCAL_PORT,CONTROLLER://$NAME:9093
END

# Only an empty folder is formatted; all brokers of a cluster have the same id.
voters=--no-initial-controllers
if [ "$NODE_ID" = 1 ]; then voters=--standalone; fi
$bin/kafka-storage.sh format --ignore-formatted --cluster-id rTpCqRfPSiyB4ZvZzC0sWw --config $config $voters

exec $bin/kafka-server-start.sh $config
