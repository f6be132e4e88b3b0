package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"

	"github.com/pgmini/pgmini/engine"
)

// alive reports whether a process runs. A zombie does not: it has let go of all it
// held, only its parent has not asked yet.
func alive(pid int) bool {
	err := syscall.Kill(pid, 0)
	return (err == nil || errors.Is(err, syscall.EPERM)) && !zombie(pid)
}

// zombie reports whether a process has ended, as far as /proc tells.
func zombie(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	i := bytes.LastIndexByte(b, ')') // before it the name, which may be anything
	return err == nil && i >= 0 && i+2 < len(b) && (b[i+2] == 'Z' || b[i+2] == 'X')
}

// serves reports whether a process may be a stock server on dir, whose flock is
// free: one of pgmini's is not. Numbers are used again, but a stock server's
// current directory is its data directory; where that cannot be seen, any process
// counts. One of another user does not: who serves a directory owns it.
func serves(pid int, dir string) bool {
	if syscall.Kill(pid, 0) != nil || zombie(pid) || pid == os.Getppid() {
		return false
	}
	cwd, err := os.Stat(fmt.Sprintf("/proc/%d/cwd", pid))
	if err != nil {
		return alive(pid)
	}
	d, err := os.Stat(dir)
	return err != nil || os.SameFile(cwd, d)
}

// orphans reports whether processes hold the shared memory of the stock server that
// wrote p: its backends may outlive it for a while. Where System V's tables cannot
// be seen there are none.
func orphans(p *engine.PIDFile) bool {
	var key, id uint64
	if n, err := fmt.Sscan(p.ShmemKey, &key, &id); n != 2 || err != nil {
		return false
	}
	b, err := os.ReadFile("/proc/sysvipc/shm")
	if err != nil {
		return false
	}
	return attached(string(b), uint32(key), id)
}

// attached looks up in a table of shared memory whether anybody is attached.
func attached(table string, key uint32, id uint64) bool {
	lines := strings.Split(table, "\n")
	head := strings.Fields(lines[0])
	for _, line := range lines[1:] {
		row := map[string]string{}
		for i, v := range strings.Fields(line) {
			if i < len(head) {
				row[head[i]] = v
			}
		}
		k, err := strconv.ParseInt(row["key"], 10, 64)
		if err == nil && uint32(k) == key && row["shmid"] == strconv.FormatUint(id, 10) {
			return row["nattch"] != "0"
		}
	}
	return false
}
