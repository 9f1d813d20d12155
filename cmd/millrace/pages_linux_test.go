package main

import (
	"slices"
	"strings"
	"testing"
)

// TestTouchedPagesAreKept: what the dynamic linker has written into a program that is linked with C is protected from writing
// afterwards, and would be zeros again.
func TestTouchedPagesAreKept(t *testing.T) {
	const smaps = `00402000-015d7000 r-xp 00002000 fe:00 12 /bin/millrace
Size:              18260 kB
Anonymous:             0 kB
VmFlags: rd ex mr mw me sd
015d7000-02841000 r--p 011d7000 fe:00 12 /bin/millrace
Anonymous:             0 kB
02841000-02842000 r--p 02440000 fe:00 12 /bin/millrace
Anonymous:             4 kB
02842000-0294d000 rw-p 02441000 fe:00 12 /bin/millrace
Anonymous:             0 kB
7f238fa21000-7f238fa47000 r--p 00000000 fe:00 14 /lib/libc.so.6
Anonymous:             0 kB
7ffd292b9000-7ffd292da000 rw-p 00000000 00:00 0 [stack]
Anonymous:             8 kB
`
	want := []span{{0x402000, 0x15d7000}, {0x15d7000, 0x2841000}}
	if got := untouched(strings.NewReader(smaps), "/bin/millrace"); !slices.Equal(got, want) {
		t.Errorf("%x", got)
	}
}
