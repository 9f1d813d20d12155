package server

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// Version tells which build this is: the module's version or the commit, the Go release, the platform.
func Version() string {
	return fmt.Sprintf("millrace %s (%s, %s/%s)", revision(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

func revision() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return s.Value[:12]
		}
	}
	return "devel"
}
