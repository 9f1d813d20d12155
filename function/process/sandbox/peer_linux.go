package sandbox

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// maxLooks bounds how many open files of a sandbox are looked at to find one: more than any sandbox has that does nothing but its work.
const maxLooks = 1 << 16

// peer is who made a connection: the user id on the host and the number that its socket has as a file. Both are 0 when the
// socket was closed since.
type peer struct{ user, inode uint32 }

// file is what the socket is called among the open files of a process.
func (p peer) file() string { return fmt.Sprintf("socket:[%d]", p.inode) }

// Made reports whether a program of the sandbox made a connection to this process, which is over IPv4's loopback, and has
// it open still. Others on the host may not pass for one: what counts is that the very socket is open in the sandbox.
func (p *Process) Made(conn net.Conn) bool {
	who, err := peerOf(conn)
	if err != nil || who.inode == 0 || int64(who.user) != int64(p.user) {
		return false
	}
	// That the init is there still, or not reaped, says that it was its /proc which was looked at.
	return holds(p.Proc(), who.file()) && p.cmd.Process.Signal(unix.Signal(0)) == nil
}

// KnowsPeers reports why Made cannot be asked on this host; nil when it can.
func KnowsPeers() error {
	_, err := wayToAsk()
	return err
}

// wayToAsk finds out once how this host's kernel says who connects: it connects this process with itself, and asks for its own
// socket. A kernel that lacks sock_diag answers as if there were no such connection.
var wayToAsk = sync.OnceValues(func() (ask func(from, to netip.AddrPort) (peer, error), err error) {
	defer func() {
		if err != nil {
			err = &SetupError{"find out who connects", err}
		}
	}()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer l.Close()
	theirs, err := net.Dial("tcp4", l.Addr().String())
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	from, to := addressOf(theirs.LocalAddr()), addressOf(theirs.RemoteAddr())
	for _, ask := range []func(from, to netip.AddrPort) (peer, error){diagnose, lookUp} {
		var who peer
		if who, err = ask(from, to); err == nil && holds("/proc", who.file(), strconv.Itoa(os.Getpid())) {
			return ask, nil
		}
	}
	return nil, cmp.Or(err, errors.New("the kernel does not show the sockets of processes"))
})

// peerOf asks the kernel who made a connection to this process.
func peerOf(conn net.Conn) (peer, error) {
	ask, err := wayToAsk()
	if err != nil {
		return peer{}, err
	}
	local, remote := addressOf(conn.LocalAddr()), addressOf(conn.RemoteAddr())
	if !local.Addr().Is4() || !remote.Addr().Is4() {
		return peer{}, errors.New("the connection is not over IPv4")
	}
	return ask(remote, local)
}

func addressOf(a net.Addr) netip.AddrPort {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	at := tcp.AddrPort()
	return netip.AddrPortFrom(at.Addr().Unmap(), at.Port())
}

// Messages of the kernel's sock_diag, as linux/inet_diag.h has them.
type (
	diagSocket struct {
		fromPort, toPort [2]byte
		from, to         [16]byte
		device           uint32
		cookie           [2]uint32
	}
	diagRequest struct {
		header                            unix.NlMsghdr
		family, protocol, extensions, pad uint8
		states                            uint32
		socket                            diagSocket
	}
	diagAnswer struct {
		family, state, timer, retransmits     uint8
		socket                                diagSocket
		expires, receiving, sending, id, file uint32
	}
)

// diagnoseTime bounds how long the kernel may take to answer, in seconds.
const diagnoseTime = 5

// diagnose asks the kernel for the one socket that is connected from one address to another. It is ENOENT when there is none.
func diagnose(from, to netip.AddrPort) (peer, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_SOCK_DIAG)
	if err != nil {
		return peer{}, err
	}
	defer unix.Close(fd)
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: diagnoseTime}); err != nil {
		return peer{}, err
	}
	request := diagRequest{
		header:   unix.NlMsghdr{Len: uint32(unsafe.Sizeof(diagRequest{})), Type: unix.SOCK_DIAG_BY_FAMILY, Flags: unix.NLM_F_REQUEST},
		family:   unix.AF_INET,
		protocol: unix.IPPROTO_TCP,
		states:   ^uint32(0),
		socket:   diagSocket{cookie: [2]uint32{^uint32(0), ^uint32(0)}}, // any
	}
	binary.BigEndian.PutUint16(request.socket.fromPort[:], from.Port())
	binary.BigEndian.PutUint16(request.socket.toPort[:], to.Port())
	copy(request.socket.from[:], from.Addr().AsSlice())
	copy(request.socket.to[:], to.Addr().AsSlice())
	text := (*[unsafe.Sizeof(request)]byte)(unsafe.Pointer(&request))
	if err := unix.Sendto(fd, text[:], 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return peer{}, err
	}
	var buf [1024]byte
	n, _, err := unix.Recvfrom(fd, buf[:], 0)
	if err != nil {
		return peer{}, err
	}
	return readDiagnosis(buf[:n], request.socket)
}

// readDiagnosis reads the kernel's answer. Where no such connection is, it may tell of a socket that only listens at the
// address from which it was, and which another process may have: that is none.
func readDiagnosis(text []byte, asked diagSocket) (peer, error) {
	var header unix.NlMsghdr
	var answer diagAnswer
	n, err := binary.Decode(text, binary.NativeEndian, &header)
	if err != nil {
		return peer{}, err
	}
	text = text[n:]
	if header.Type == unix.NLMSG_ERROR {
		if len(text) < 4 {
			return peer{}, io.ErrUnexpectedEOF
		}
		return peer{}, unix.Errno(-int32(binary.NativeEndian.Uint32(text))) //nolint:gosec // a small number, negated
	}
	if header.Type != unix.SOCK_DIAG_BY_FAMILY || len(text) < int(unsafe.Sizeof(answer)) {
		return peer{}, io.ErrUnexpectedEOF
	}
	answer = *(*diagAnswer)(unsafe.Pointer(&text[0]))
	if answer.socket.fromPort != asked.fromPort || answer.socket.toPort != asked.toPort {
		return peer{}, unix.ENOENT
	}
	return peer{answer.id, answer.file}, nil
}

// lookUp finds the same in the kernel's lists of all connections, which takes longer the more there are. A socket of
// IPv6's may speak IPv4.
func lookUp(from, to netip.AddrPort) (peer, error) {
	for _, list := range []struct{ name, before string }{{"tcp", ""}, {"tcp6", "0000000000000000FFFF0000"}} {
		text, err := os.ReadFile("/proc/self/net/" + list.name)
		if errors.Is(err, os.ErrNotExist) && list.before != "" {
			break // without IPv6
		}
		if err != nil {
			return peer{}, err
		}
		wanted := fmt.Sprintf(": %s%s %s%s ", list.before, listed(from), list.before, listed(to))
		_, rest, ok := bytes.Cut(text, []byte(wanted))
		if !ok {
			continue
		}
		line, _, _ := bytes.Cut(rest, []byte("\n"))
		fields := strings.Fields(string(line)) // state, queues, timer, retransmits, user, timeout, inode
		if len(fields) < 7 {
			return peer{}, io.ErrUnexpectedEOF
		}
		user, userErr := strconv.ParseUint(fields[4], 10, 32)
		inode, inodeErr := strconv.ParseUint(fields[6], 10, 32)
		return peer{uint32(user), uint32(inode)}, errors.Join(userErr, inodeErr)
	}
	return peer{}, unix.ENOENT
}

// listed is how the kernel lists an address.
func listed(a netip.AddrPort) string {
	octets := a.Addr().As4()
	return fmt.Sprintf("%08X:%04X", binary.NativeEndian.Uint32(octets[:]), a.Port())
}

// holds reports whether one of the processes that a /proc shows, or one of those named, has a file open. The init has not: it opens
// nothing that programs ask for.
func holds(proc, file string, processes ...string) bool {
	if len(processes) == 0 {
		processes = namesIn(proc)
	}
	looks := 0
	for _, process := range processes {
		if _, err := strconv.Atoi(process); err != nil || process == "1" {
			continue
		}
		dir := filepath.Join(proc, process, "fd")
		for _, fd := range slices.Backward(namesIn(dir)) { // what was opened last is the likeliest
			if to, err := os.Readlink(filepath.Join(dir, fd)); err == nil && to == file {
				return true
			}
			if looks++; looks > maxLooks {
				return false
			}
		}
	}
	return false
}

// namesIn lists a folder; nothing when it is gone.
func namesIn(dir string) []string {
	d, err := os.Open(dir)
	if err != nil {
		return nil
	}
	defer d.Close()
	names, err := d.Readdirnames(-1)
	if err != nil {
		return nil
	}
	return names
}
