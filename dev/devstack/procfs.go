package devstack

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// children lists the direct children of a process, which for Postgres are all its processes.
func children(parent int) []int {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil
	}
	var found []int
	for _, stat := range stats {
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(stat)))
		if err != nil {
			continue
		}
		if fields := statFields(pid); len(fields) > 1 && fields[1] == strconv.Itoa(parent) {
			found = append(found, pid)
		}
	}
	return found
}

// alive reports whether a process exists and is not a zombie.
func alive(pid int) bool {
	fields := statFields(pid)
	return len(fields) > 0 && fields[0] != "Z" && fields[0] != "X"
}

func allFrozen(pids []int) bool {
	return !slices.ContainsFunc(pids, func(pid int) bool { return !frozen(pid) })
}

// frozen reports whether every thread of a process is stopped, or the process is gone.
func frozen(pid int) bool {
	threads, err := filepath.Glob(filepath.Join("/proc", strconv.Itoa(pid), "task", "[0-9]*", "stat"))
	if err != nil {
		return true
	}
	for _, stat := range threads {
		data, err := os.ReadFile(stat)
		if err != nil {
			continue // it has ended
		}
		fields := strings.Fields(string(data[strings.LastIndexByte(string(data), ')')+1:]))
		if len(fields) > 0 && fields[0] != "T" && fields[0] != "Z" && fields[0] != "X" {
			return false
		}
	}
	return true
}

// statFields is /proc/PID/stat after the program's name, which may hold blanks: state, parent, group and so on (proc(5)).
func statFields(pid int) []string {
	data, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return nil
	}
	return strings.Fields(string(data[strings.LastIndexByte(string(data), ')')+1:]))
}
