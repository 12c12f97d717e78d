package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of CPU times in /proc: USER_HZ is 100 on every Linux.
const tick = 10 * time.Millisecond

// cpuTime is the CPU time of a process, user and system; false when it is gone.
func cpuTime(pid int) (time.Duration, bool) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, false
	}
	text := string(data)
	fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:]) // the name before it may hold blanks
	const user, system = 11, 12                                         // fields 14 and 15 of proc(5)
	if len(fields) <= system || fields[0] == "Z" {
		return 0, false
	}
	return ticks(fields[user]) + ticks(fields[system]), true
}

// ticks reads a CPU time of /proc.
func ticks(text string) time.Duration {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0
	}
	return time.Duration(n) * tick
}

// memory is a size in bytes from /proc/PID/status, such as VmHWM; 0 when the process is gone.
func memory(pid int, name string) int64 {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(data)) {
		rest, ok := strings.CutPrefix(line, name+":")
		if !ok {
			continue
		}
		kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
		if err != nil {
			return 0
		}
		return kib << 10
	}
	return 0
}

// switches returns how often the threads of a process that are there have gone to sleep.
func switches(pid int) (n int64) {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	if err != nil {
		return 0
	}
	for _, file := range threads {
		data, err := os.ReadFile(file)
		if err != nil {
			continue // the thread has ended
		}
		_, rest, _ := strings.Cut(string(data), "\nvoluntary_ctxt_switches:")
		text, _, _ := strings.Cut(rest, "\n")
		if count, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64); err == nil {
			n += count
		}
	}
	return n
}

// machineBusy is the time that all cores together have not been idle, time stolen by the hypervisor included.
func machineBusy() time.Duration {
	data, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0
	}
	line, _, _ := strings.Cut(string(data), "\n")
	fields := strings.Fields(line)
	const idle, iowait, steal = 4, 5, 8 // guest time, which follows, is in user time already
	var busy time.Duration
	for i := 1; i < len(fields) && i <= steal; i++ {
		if i != idle && i != iowait {
			busy += ticks(fields[i])
		}
	}
	return busy
}
