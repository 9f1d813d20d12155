package process

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// maxDescendants bounds how many processes of an instance without a sandbox are looked at.
const maxDescendants = 4096

// residentBytes returns the memory that a process has and that is not just a copy of files, as /proc/PID tells it; 0 when the
// process has gone.
func residentBytes(proc string) int64 {
	return fields(filepath.Join(proc, "status"), "RssAnon:", "RssShmem:")
}

// proportionalBytes returns the same with what several processes share divided among them.
func proportionalBytes(proc string) int64 {
	return fields(filepath.Join(proc, "smaps_rollup"), "Pss_Anon:", "Pss_Shmem:")
}

// peakBytes returns the most memory that a process had resident until now, files too.
func peakBytes(proc string) int64 { return fields(filepath.Join(proc, "status"), "VmHWM:") }

// fields adds up what the named lines of a file say, which is in KiB.
func fields(path string, names ...string) (total int64) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	for _, name := range names {
		_, rest, ok := bytes.Cut(text, []byte("\n"+name))
		if !ok {
			continue
		}
		rest, _, _ = bytes.Cut(rest, []byte(" kB"))
		if kib, err := strconv.ParseInt(string(bytes.TrimSpace(rest)), 10, 64); err == nil {
			total += kib << 10
		}
	}
	return total
}

// sandboxed returns the processes of a sandbox but its init, the program first, from the sandbox's own /proc.
func sandboxed(proc string, program int) []string {
	all := []string{filepath.Join(proc, strconv.Itoa(program))}
	dir, err := os.Open(proc)
	if err != nil {
		return nil
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil
	}
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil && pid != 1 && pid != program {
			all = append(all, filepath.Join(proc, name))
		}
	}
	return all
}

// family returns a process and those that it started, directly or not. One whose parent has ended is not found, unless the
// process adopts such.
func family(pid int) []int {
	all := []int{pid}
	for next := 0; next < len(all) && len(all) < maxDescendants; next++ {
		lists, err := filepath.Glob("/proc/" + strconv.Itoa(all[next]) + "/task/*/children")
		if err != nil {
			break
		}
		for _, list := range lists {
			text, err := os.ReadFile(list)
			if err != nil {
				continue // it has ended
			}
			for _, field := range bytes.Fields(text) {
				if child, err := strconv.Atoi(string(field)); err == nil {
					all = append(all, child)
				}
			}
		}
	}
	return all
}

// folders names the folders in /proc of processes.
func folders(pids []int) []string {
	folders := make([]string, len(pids))
	for i, p := range pids {
		folders[i] = "/proc/" + strconv.Itoa(p)
	}
	return folders
}

// rusageBytes returns the most memory that an ended process had resident.
func rusageBytes(usage *syscall.Rusage) int64 { return int64(usage.Maxrss) << 10 }
