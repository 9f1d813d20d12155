package main

import (
	"bufio"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// giveBackPages lets go of the pages of the program's own file that are in memory. Starting up touches most of them, and
// serving few; those that are needed again come back from the page cache. Only what was never written is let go of, so
// that nothing is lost. Failing is no harm.
func giveBackPages() {
	program, err := os.Executable()
	if err != nil {
		return
	}
	maps, err := os.Open("/proc/self/smaps")
	if err != nil {
		return
	}
	defer maps.Close()
	for _, m := range untouched(maps, program) {
		_, _, _ = unix.Syscall(unix.SYS_MADVISE, uintptr(m.start), uintptr(m.end-m.start), unix.MADV_DONTNEED)
	}
}

// span is a range of addresses.
type span struct{ start, end uint64 }

// untouched returns the mappings of a file, in the form of /proc/PID/smaps, that are as the file is. Those that may be written
// are not, and nor are the tables that the dynamic linker has filled in and protected, in a program that is linked with C:
// such a mapping has anonymous pages.
func untouched(smaps io.Reader, file string) (found []span) {
	var at *span // the mapping that the lines are about, nil when it is none of those
	for lines := bufio.NewScanner(smaps); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) == 0 {
			continue
		}
		from, to, is := strings.Cut(fields[0], "-")
		switch {
		case is:
			at = nil
			start, err1 := strconv.ParseUint(from, 16, 64)
			end, err2 := strconv.ParseUint(to, 16, 64)
			if err1 == nil && err2 == nil && len(fields) == 6 && fields[5] == file && !strings.Contains(fields[1], "w") {
				at = &span{start, end}
			}
		case at != nil && fields[0] == "Anonymous:" && len(fields) > 1 && fields[1] == "0":
			found = append(found, *at)
		}
	}
	return found
}
