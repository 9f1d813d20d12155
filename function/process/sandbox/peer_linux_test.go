package sandbox

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

// connect connects this process with itself. The client's socket may be one of IPv6's.
func connect(t testing.TB, family int) (ours net.Conn, theirs int) {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	theirs, err = unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { _ = unix.Close(theirs) })
	port := l.Addr().(*net.TCPAddr).Port //nolint:forcetypeassert // it is
	var to unix.Sockaddr = &unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}
	if family == unix.AF_INET6 {
		to = &unix.SockaddrInet6{Port: port, Addr: netip.MustParseAddr("::ffff:127.0.0.1").As16()}
	}
	if err := unix.Connect(theirs, to); err != nil {
		t.Fatal(err)
	}
	if ours, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ours.Close() })
	return ours, theirs
}

// Both ways of asking the kernel find who connected, also a client that speaks IPv4 over a socket of IPv6's.
func TestPeerOfConnection(t *testing.T) {
	if err := KnowsPeers(); err != nil {
		t.Skip(err)
	}
	for name, family := range map[string]int{"IPv4": unix.AF_INET, "IPv6": unix.AF_INET6} {
		ours, theirs := connect(t, family)
		var file unix.Stat_t
		if err := unix.Fstat(theirs, &file); err != nil {
			t.Fatal(err)
		}
		want := peer{uint32(os.Geteuid()), uint32(file.Ino)} //nolint:gosec // small numbers
		from, to := addressOf(ours.RemoteAddr()), addressOf(ours.LocalAddr())
		if got, err := lookUp(from, to); err != nil || got != want {
			t.Errorf("%s, looked up: %+v %v, want %+v", name, got, err, want)
		}
		if got, err := diagnose(from, to); got != want && err == nil { // not every kernel has it
			t.Errorf("%s, diagnosed: %+v, want %+v", name, got, want)
		}
		if got, err := peerOf(ours); err != nil || got != want {
			t.Errorf("%s: %+v %v, want %+v", name, got, err, want)
		}
	}
}

// Who has gone is nobody, and above all not somebody who listens at the address that the connection came from.
func TestPeerThatHasGone(t *testing.T) {
	if err := KnowsPeers(); err != nil {
		t.Skip(err)
	}
	ours, theirs := connect(t, unix.AF_INET)
	if err := unix.Close(theirs); err != nil {
		t.Fatal(err)
	}
	if got, err := peerOf(ours); err == nil && got.inode != 0 {
		t.Errorf("%+v", got)
	}
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	listening := addressOf(l.Addr())
	if got, err := diagnose(listening, addressOf(ours.LocalAddr())); err == nil {
		t.Errorf("diagnosed: %+v", got)
	}
	if got, err := lookUp(listening, addressOf(ours.LocalAddr())); !errors.Is(err, unix.ENOENT) {
		t.Errorf("looked up: %+v %v", got, err)
	}
}

// BenchmarkPeer measures what a connection to a Runtime API costs more: to ask who made it, either way, and to find its socket
// among the files of this process.
func BenchmarkPeer(b *testing.B) {
	if err := KnowsPeers(); err != nil {
		b.Skip(err)
	}
	ours, _ := connect(b, unix.AF_INET)
	from, to := addressOf(ours.RemoteAddr()), addressOf(ours.LocalAddr())
	for name, ask := range map[string]func(from, to netip.AddrPort) (peer, error){"diagnose": diagnose, "look up": lookUp} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if who, err := ask(from, to); err != nil || !holds("/proc", who.file(), strconv.Itoa(os.Getpid())) {
					b.Fatal(err)
				}
			}
		})
	}
}
