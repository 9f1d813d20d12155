package function

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/millrace/millrace/function/archive"
)

// MaxEnvironmentBytes bounds the user's variables, measured as compact JSON.
const MaxEnvironmentBytes = 4096

// reservedVariables are set by the platform and by nobody else. AWS documents the list.
var reservedVariables = []string{
	"_HANDLER", "_X_AMZN_TRACE_ID", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_EXECUTION_ENV", "AWS_LAMBDA_FUNCTION_NAME",
	"AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_INITIALIZATION_TYPE",
	"AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID",
	"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_LAMBDA_RUNTIME_API", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR",
}

// check judges the settings of a function that is to be.
func (f Function) check() error {
	if f.Runtime == "" || f.Handler == "" {
		return ErrIncomplete
	}
	if err := checkRuntime(f.Runtime); err != nil {
		return err
	}
	for _, b := range []struct {
		setting        string
		value, min, mx int
	}{
		{"Timeout", int(f.Timeout / time.Second), 1, 900},
		{"MemorySize", f.MemoryMB, 128, 10240},
		{"EphemeralStorage.Size", f.EphemeralMB, 512, 10240},
		{"Architectures", len(f.Architectures), 1, 1},
		{"Description", len(f.Description), 0, 4 * 256}, // 256 characters, of up to 4 bytes
	} {
		if b.value < b.min || b.value > b.mx {
			return &SettingError{b.setting, fmt.Sprintf("is %d, not from %d to %d", b.value, b.min, b.mx)}
		}
	}
	if err := f.checkLogging(); err != nil {
		return err
	}
	if err := checkDeadLetters(f.DeadLetterARN); err != nil {
		return err
	}
	return checkEnvironment(f.Environment)
}

// checkUnzipped judges the code together with the layers.
func (f Function) checkUnzipped() error {
	sum := f.UnzippedBytes
	for _, l := range f.Layers {
		sum += l.UnzippedBytes
	}
	if len(f.Layers) > 0 && sum > archive.MaxUnzippedBytes {
		return &CodeAndLayersError{Size: sum, Layers: sum-f.UnzippedBytes > archive.MaxUnzippedBytes}
	}
	return nil
}

func checkEnvironment(variables map[string]string) error {
	var reserved []string
	for name, value := range variables {
		if strings.ContainsRune(value, 0) {
			return &SettingError{"Environment", fmt.Sprintf("has a zero byte in variable %q", name)}
		}
		if slices.Contains(reservedVariables, name) {
			reserved = append(reserved, name)
		}
		if !validVariable(name) {
			return &SettingError{"Environment", fmt.Sprintf("has a variable %q: names have a letter and then letters, digits or _", name)}
		}
	}
	if reserved != nil {
		slices.Sort(reserved)
		return &ReservedVariablesError{reserved}
	}
	if len(variables) == 0 {
		return nil
	}
	measured, err := compactJSON(variables)
	if err != nil {
		return fmt.Errorf("measure environment: %w", err)
	}
	if len(measured) > MaxEnvironmentBytes {
		return &EnvironmentTooLargeError{measured}
	}
	return nil
}

// validVariable accepts what can be a variable: a process cannot be given any other.
func validVariable(name string) bool {
	if name == "_HANDLER" || name == "_X_AMZN_TRACE_ID" {
		return true // reserved, and said so
	}
	if len(name) < 2 {
		return false
	}
	for i, c := range []byte(name) {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (i == 0 || c != '_' && (c < '0' || c > '9')) {
			return false
		}
	}
	return true
}

func compactJSON(v any) (string, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return "", err
	}
	return string(bytes.TrimSuffix(out.Bytes(), []byte("\n"))), nil
}
