package dev

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

const (
	// debugTimeout is how long an invocation may take that somebody looks at, in seconds: as long as any may.
	debugTimeout = 900
	// debugMemoryMB leaves room for the debugger's part in the process.
	debugMemoryMB = 1024
	// Where debuggers look by default.
	pythonDebugPort = 5678
	nodeDebugPort   = 9229

	wrapperName     = ".millrace-debug"
	wrapperVariable = "AWS_LAMBDA_EXEC_WRAPPER"
)

// pythonWrapper starts the runtime, which is its arguments from the interpreter on, under debugpy.
const pythonWrapper = `#!/bin/sh
python=$1
for script; do :; done # the last argument
"$python" -c 'import debugpy' || { echo "debugpy is missing: $python -m pip install debugpy, or install it into the folder"; exit 1; }
echo "waiting for a debugger at 127.0.0.1:%[1]d; the code is in $LAMBDA_TASK_ROOT"
exec "$python" -Xfrozen_modules=off -u -B -m debugpy --listen 127.0.0.1:%[1]d --wait-for-client "$script"
`

// parseDebug reads the flag's values: a function's name, and perhaps = and a port. 0 is the usual port of its runtime.
func parseDebug(values []string) (map[string]int, error) {
	debug := make(map[string]int)
	for _, value := range values {
		name, text, given := strings.Cut(value, "=")
		port := 0
		if given {
			var err error
			if port, err = strconv.Atoi(text); err != nil || port < 1 || port > 65535 {
				return nil, fmt.Errorf("debug %s: %q is not a port", value, text)
			}
		}
		if !functionName.MatchString(name) {
			return nil, fmt.Errorf("debug %s: %q is not the name of a function", value, name)
		}
		debug[name] = port
	}
	return debug, nil
}

// debugAt changes the plan so that a debugger can attach: with all the time that there is, and what its runtime needs.
func (p *plan) debugAt(port int) error {
	p.debugged = true
	p.timeout, p.memory = debugTimeout, max(p.memory, debugMemoryMB)
	switch {
	case strings.HasPrefix(p.runtime, "python"):
		if p.environment[wrapperVariable] != "" {
			return errors.New("it has a wrapper of its own (" + wrapperVariable + "), and debugging needs another")
		}
		port = cmp.Or(port, pythonDebugPort)
		p.environment[wrapperVariable] = "/var/task/" + wrapperName
		p.extras = append(p.extras, extra{wrapperName, fmt.Appendf(nil, pythonWrapper, port)})
		p.about = fmt.Sprintf("debugging: it waits for a debugger (debugpy) at 127.0.0.1:%d when it is first invoked", port)
	case strings.HasPrefix(p.runtime, "nodejs"):
		port = cmp.Or(port, nodeDebugPort)
		p.environment["NODE_OPTIONS"] = strings.TrimSpace(fmt.Sprintf("%s --inspect=127.0.0.1:%d", p.environment["NODE_OPTIONS"], port))
		p.about = fmt.Sprintf("debugging: it takes a debugger (inspector) at 127.0.0.1:%d once it has been invoked", port)
	default:
		if port != 0 {
			return fmt.Errorf("a port says nothing to %s: attach a debugger to its process", p.runtime)
		}
		p.about = "debugging: attach a debugger to its process, bootstrap, once it has been invoked"
	}
	return nil
}
