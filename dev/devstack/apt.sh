# Installs Debian packages ("$@"); only root can. On a new machine another apt may be at work, which is waited for, the
# lists may be missing or old, and a mirror may fail once: all that is no reason to give up.
[ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || { echo "apt-get needs root" >&2; exit 1; }
export DEBIAN_FRONTEND=noninteractive
for pause in 0 5 10 20 40 60; do
	sleep $pause
	listed=
	apt-get update -q -o Acquire::Retries=3 -o APT::Update::Error-Mode=any && listed=yes
	apt-get install -q -y --no-install-recommends -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3 "$@" && exit 0
	[ -n "$listed" ] && ! apt-cache show "$@" >/dev/null 2>&1 && exit 1 # there is no such package here
done
exit 1
