# Runs one server: sh -c SCRIPT supervisor FOLDER END_SIGNAL COMMAND...
# Obeys verbs on standard input; when that closes, stops the server and removes the folder.
trap '' PIPE
folder=$1 end=$2
shift 2
pid=

mkdir -m 755 "$folder" || exit 1
echo ready

# What a killed PostgreSQL leaves in shared memory: kept for the clean-up, since only a restart would remove it.
note_shared_memory() {
    awk '$6 ~ /^\/dev\/shm\/PostgreSQL\./ { print "file", $6 } $6 ~ /^\/SYSV/ { print "segment", $5 }' \
        "/proc/$1/maps" | sort -u >"$folder/shared-memory"
}

crash() {
    kill -STOP "$pid"
    children=$(cat "/proc/$pid/task/$pid/children")
    note_shared_memory "$pid"
    # shellcheck disable=SC2086 # a list of process ids
    kill -KILL "$pid" $children
    wait "$pid"
    pid=
    echo "killed $children"
}

while read -r verb argument; do
    case $verb in
    start)
        "$@" </dev/null >>"$folder/log" 2>&1 &
        pid=$!
        rm -f "$folder/shared-memory"
        echo "started $pid"
        ;;
    signal)
        kill "-$argument" "$pid"
        echo signalled
        ;;
    stop)
        kill "-$argument" "$pid"
        wait "$pid"
        echo "stopped $?"
        pid=
        ;;
    reap)
        wait "$pid"
        echo "reaped $?"
        pid=
        ;;
    crash) crash ;;
    esac
done

if [ -n "$pid" ]; then
    kill "-$end" "$pid"
    kill -CONT "$pid"
    wait "$pid"
fi
if [ -f "$folder/shared-memory" ]; then
    while read -r kind name; do
        case $kind in
        file) rm -f "$name" ;;
        segment) ipcrm -m "$name" ;;
        esac
    done <"$folder/shared-memory"
fi
rm -rf "$folder"
