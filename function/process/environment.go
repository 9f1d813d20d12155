package process

import (
	"maps"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/millrace/millrace/function"
)

// placeholderSecret is what nobody verifies.
const placeholderSecret = "millrace"

// environment returns the variables that a process gets, as AWS documents them; without a sandbox with folders of this host
// in the place of AWS's. Nothing of the server's own environment is in it.
func (e *Executor) environment(spec function.Spec, api string, in interpreter, keys Credentials) []string {
	f, at := spec.Function, e.places(spec)
	vars := map[string]string{
		"AWS_ACCESS_KEY_ID":               keys.AccessKeyID,
		"AWS_SECRET_ACCESS_KEY":           keys.SecretAccessKey,
		"AWS_SESSION_TOKEN":               keys.SessionToken,
		"AWS_REGION":                      f.Region,
		"AWS_DEFAULT_REGION":              f.Region,
		"AWS_LAMBDA_FUNCTION_NAME":        f.Name.Name,
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": strconv.Itoa(f.MemoryMB),
		"AWS_LAMBDA_FUNCTION_VERSION":     spec.Version,
		"AWS_LAMBDA_INITIALIZATION_TYPE":  spec.InitializationType(),
		"AWS_LAMBDA_LOG_GROUP_NAME":       f.LogGroup,
		"AWS_LAMBDA_LOG_STREAM_NAME":      spec.LogStream,
		"AWS_LAMBDA_RUNTIME_API":          api,
		"AWS_XRAY_CONTEXT_MISSING":        "LOG_ERROR",
		"AWS_XRAY_DAEMON_ADDRESS":         "127.0.0.1:2000",
		"_AWS_XRAY_DAEMON_ADDRESS":        "127.0.0.1",
		"_AWS_XRAY_DAEMON_PORT":           "2000",
		"LAMBDA_TASK_ROOT":                at.code,
		"LAMBDA_RUNTIME_DIR":              at.runtime,
		"LD_LIBRARY_PATH":                 libraryPath(at),
		"LANG":                            "en_US.UTF-8",
		"TZ":                              ":UTC",
		"PATH":                            "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:" + filepath.Join(at.layers, "bin"),
		"_HANDLER":                        f.Handler,
	}
	if f.LogFormat == function.LogJSON {
		vars["AWS_LAMBDA_LOG_FORMAT"], vars["AWS_LAMBDA_LOG_LEVEL"] = f.LogFormat, f.ApplicationLogLevel
	}
	if e.endpointURL != "" {
		vars["AWS_ENDPOINT_URL"] = e.endpointURL
	}
	if function.ManagedRuntime(f.Runtime) {
		vars["AWS_EXECUTION_ENV"] = "AWS_Lambda_" + f.Runtime
		vars["PWD"] = at.code
		vars["PATH"] = filepath.Dir(in.path) + ":" + vars["PATH"]
	}
	switch in.language {
	case "Python":
		vars["PYTHONPATH"] = at.runtime
		if spec.LayersDir != "" {
			vars["PYTHONPATH"] = pythonPath(in.version, at)
		}
		vars["LC_CTYPE"] = "C.UTF-8"
	case "Node.js":
		vars["NODE_PATH"] = nodePath(in.version, at)
	}
	maps.Copy(vars, f.Environment)

	list := make([]string, 0, len(vars))
	for _, name := range slices.Sorted(maps.Keys(vars)) {
		list = append(list, name+"="+vars[name])
	}
	return list
}

func libraryPath(at places) string {
	return "/var/lang/lib:/lib64:/usr/lib64:" + at.runtime + ":" + filepath.Join(at.runtime, "lib") + ":" +
		at.code + ":" + filepath.Join(at.code, "lib") + ":" + filepath.Join(at.layers, "lib")
}

// pythonPath are the folders in which Python looks behind that of the code: first the layers'.
func pythonPath(version int, at places) string {
	layers := filepath.Join(at.layers, "python")
	return filepath.Join(layers, "lib", "python3."+strconv.Itoa(version), "site-packages") + ":" + layers + ":" + at.runtime
}

func nodePath(version int, at places) string {
	layers := filepath.Join(at.layers, "nodejs")
	return filepath.Join(layers, "node"+strconv.Itoa(version), "node_modules") + ":" + filepath.Join(layers, "node_modules") + ":" +
		filepath.Join(at.runtime, "node_modules") + ":" + at.runtime + ":" + at.code
}
