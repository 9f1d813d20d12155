package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// systemFolders are the host's own programs and libraries. Some of them are links to others.
var systemFolders = []string{"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store", "/gnu/store"}

// settings are the host's settings that programs expect to find. The rest of /etc is nobody's business.
var settings = []string{
	"/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/alternatives", "/etc/localtime", "/etc/timezone", "/etc/os-release",
	"/etc/nsswitch.conf", "/etc/resolv.conf", "/etc/host.conf", "/etc/gai.conf", "/etc/services", "/etc/protocols", "/etc/mime.types",
	"/etc/ssl/certs", "/etc/ssl/openssl.cnf", "/etc/ca-certificates", "/etc/pki/tls/certs", "/etc/pki/ca-trust/extracted", "/etc/crypto-policies",
}

// devices are those that programs expect to find.
var devices = []string{"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"}

// hostName is what a sandbox is called. AWS's extensions expect it to be loopback.
const hostName = "sandbox.localdomain"

// bytesPerFile is how much of /tmp there is for each file in it: files without content take memory too.
const bytesPerFile = 8 << 10

// tree is a file tree being built, in a folder that is going to be the root.
type tree struct{ root string }

// buildRoot gives this process, and no other, a file tree that holds what the Spec names and nothing else.
func buildRoot(s Spec, who identity) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return &SetupError{"make mounts private", err}
	}
	t := tree{s.Root}
	if err := unix.Mount("tmpfs", t.root, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=0755,size=4m,nr_inodes=4096"); err != nil {
		return &SetupError{"mount a file tree", err}
	}
	for _, build := range []func() error{
		t.showSystem,
		t.showDevices,
		t.writeNames,
		func() error { return t.mountTmp(s.TmpBytes) },
		func() error { return t.showMounts(s.Mounts) },
		t.mountProc,
		t.enter,
	} {
		if err := build(); err != nil {
			return err
		}
	}
	if err := unix.Sethostname([]byte(hostName)); err != nil {
		return &SetupError{"name the host", err}
	}
	return nil
}

// showSystem shows the host's programs, libraries and some of its settings.
func (t tree) showSystem() error {
	for _, dir := range systemFolders {
		info, err := os.Lstat(dir)
		if err != nil {
			continue // not every host has every folder
		}
		if info.Mode()&fs.ModeSymlink != 0 {
			err = t.link(dir)
		} else {
			err = t.show(Mount{Source: dir, Target: dir})
		}
		if err != nil {
			return err
		}
	}
	for _, file := range settings {
		if err := t.show(Mount{Source: file, Target: file, Optional: true}); err != nil {
			return err
		}
	}
	return nil
}

// link copies a symbolic link.
func (t tree) link(path string) error {
	to, err := os.Readlink(path)
	if err == nil {
		err = os.Symlink(to, filepath.Join(t.root, path))
	}
	if err != nil {
		return &SetupError{"show " + path, err}
	}
	return nil
}

func (t tree) showDevices() error {
	for _, device := range devices {
		if err := t.bind(Mount{Source: device, Target: device}, unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NOEXEC); err != nil {
			return err
		}
	}
	for name, to := range map[string]string{"fd": "fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2"} {
		if err := os.Symlink("/proc/self/"+to, filepath.Join(t.root, "dev", name)); err != nil {
			return &SetupError{"show /dev/" + name, err}
		}
	}
	return nil
}

// writeNames writes who and where the program is.
func (t tree) writeNames() error {
	hosts, err := os.ReadFile("/etc/hosts")
	if err != nil {
		hosts = []byte("127.0.0.1 localhost\n::1 localhost\n")
	}
	for name, text := range map[string]string{
		"hosts":    string(hosts) + "\n127.0.0.1 " + hostName + " sandbox\n",
		"hostname": hostName + "\n",
		"passwd":   fmt.Sprintf("root:x:0:0:root:/root:/sbin/nologin\nsbx_user1051:x:%d:%d::/tmp:/sbin/nologin\n", User, Group),
		"group":    fmt.Sprintf("root:x:0:\nsbx_user1051:x:%d:\n", Group),
	} {
		if err := os.MkdirAll(filepath.Join(t.root, "etc"), 0o755); err != nil { // the host may have nothing to show there
			return &SetupError{"make /etc", err}
		}
		if err := os.WriteFile(filepath.Join(t.root, "etc", name), []byte(text), 0o644); err != nil { //nolint:gosec // to be read
			return &SetupError{"write /etc/" + name, err}
		}
	}
	return nil
}

func (t tree) mountTmp(size int64) error {
	options := fmt.Sprintf("mode=1777,size=%d,nr_inodes=%d", size, max(size/bytesPerFile, 1024))
	return t.mount("tmpfs", "/tmp", unix.MS_NOSUID|unix.MS_NODEV, options)
}

func (t tree) showMounts(all []Mount) error {
	for _, dir := range []string{"/var/task", "/opt"} { // which are there, also when nothing is in them
		if err := os.MkdirAll(filepath.Join(t.root, dir), 0o755); err != nil {
			return &SetupError{"make " + dir, err}
		}
	}
	for _, m := range all {
		if err := t.show(m); err != nil {
			return err
		}
	}
	return nil
}

// mountProc shows the processes of the sandbox. The kernel's settings under /proc/sys cannot be written, whoever the program is
// on the host.
func (t tree) mountProc() error {
	if err := t.mount("proc", "/proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return err
	}
	sys := filepath.Join(t.root, "proc/sys")
	return t.bind(Mount{Source: sys, Target: "/proc/sys"}, unix.MOUNT_ATTR_RDONLY|unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NODEV|unix.MOUNT_ATTR_NOEXEC)
}

// enter makes the tree the root and lets go of the old one.
func (t tree) enter() error {
	const old = "/.old"
	if err := os.Mkdir(filepath.Join(t.root, old), 0o700); err != nil {
		return &SetupError{"make a place for the old root", err}
	}
	if err := unix.PivotRoot(t.root, filepath.Join(t.root, old)); err != nil {
		return &SetupError{"change the root", err}
	}
	if err := os.Chdir("/"); err != nil {
		return &SetupError{"change to the root", err}
	}
	if err := unix.Unmount(old, unix.MNT_DETACH); err != nil {
		return &SetupError{"let go of the old root", err}
	}
	if err := os.Remove(old); err != nil {
		return &SetupError{"let go of the old root", err}
	}
	return restrict("/", 0, unix.MOUNT_ATTR_RDONLY|unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NODEV)
}

// mount mounts a file system of the sandbox's own.
func (t tree) mount(kind, target string, flags uintptr, options string) error {
	path := filepath.Join(t.root, target)
	err := os.MkdirAll(path, 0o755)
	if err == nil {
		err = unix.Mount(kind, path, kind, flags, options)
	}
	if err != nil {
		return &SetupError{"mount " + target, err}
	}
	return nil
}

// show binds a file or folder of the host. A folder comes with what is mounted inside it.
func (t tree) show(m Mount) error {
	attributes := uint64(unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV)
	if !m.Writable {
		attributes |= unix.MOUNT_ATTR_RDONLY
	}
	return t.bind(m, attributes)
}

func (t tree) bind(m Mount, attributes uint64) error {
	info, err := os.Stat(m.Source)
	if m.Optional && errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	target := filepath.Join(t.root, m.Target)
	if err == nil {
		err = makeTarget(target, info.IsDir())
	}
	if err == nil {
		err = unix.Mount(m.Source, target, "", unix.MS_BIND|unix.MS_REC, "")
	}
	if err != nil {
		return &SetupError{"show " + m.Target, err}
	}
	return restrict(target, unix.AT_RECURSIVE, attributes)
}

// makeTarget makes what something can be mounted on.
func makeTarget(path string, dir bool) error {
	if dir {
		return os.MkdirAll(path, 0o755)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDONLY, 0o644) //nolint:gosec // nothing is in it
	if err != nil {
		return err
	}
	return f.Close()
}

func restrict(path string, flags uint, attributes uint64) error {
	if err := unix.MountSetattr(-1, path, flags, &unix.MountAttr{Attr_set: attributes}); err != nil {
		return &SetupError{"restrict " + path, err}
	}
	return nil
}
