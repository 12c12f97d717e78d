# Watches the servers of one folder ($1). Standard input brings "add PID" and "del PID"; its end means that the process
# which wanted the servers is gone: kill them with their children, free what the kernel keeps of them, remove the folder.
trap '' HUP INT TERM
dir=$1
pids=
while read -r verb pid; do
	case $verb in
	add) pids="$pids $pid" ;;
	del)
		left=
		for p in $pids; do [ "$p" = "$pid" ] || left="$left $p"; done
		pids=$left
		;;
	esac
done

# Postgres puts every backend in a session of its own, so that killing the process group would miss them. A stopped
# parent starts no more children while they are counted.
all=
for p in $pids; do
	kill -STOP "$p" 2>/dev/null
	all="$all $p"
done
if [ -n "$pids" ]; then
	for stat in /proc/[0-9]*/stat; do
		line=
		{ read -r line <"$stat"; } 2>/dev/null || continue
		child=${stat#/proc/}
		set -- ${line##*) } # state, parent, group, …
		for p in $pids; do [ "$2" = "$p" ] && all="$all ${child%/stat}"; done
	done
	kill -KILL $all 2>/dev/null
	for p in $pids; do kill -KILL -- "-$p" 2>/dev/null; done
fi

# A killed Postgres leaves a System V segment of some bytes; line 7 of postmaster.pid has its key and number.
if [ -r "$dir/data/postmaster.pid" ]; then
	n=0
	while read -r key segment rest; do
		n=$((n + 1))
		[ $n = 7 ] && [ -n "$segment" ] && ipcrm -m "$segment" 2>/dev/null
	done <"$dir/data/postmaster.pid"
fi

n=0
while [ -e "$dir" ] && [ $n -lt 600 ]; do
	rm -rf -- "$dir" 2>/dev/null
	[ -e "$dir" ] && sleep 0.1 # a process that is dying may still hold a folder
	n=$((n + 1))
done
[ ! -e "$dir" ]
