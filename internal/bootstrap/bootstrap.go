package bootstrap

import (
	"os"
	"path/filepath"
)

// Handler returns the function's Handler setting when this process was started as a function's bootstrap, and "" when
// it was not.
func Handler() string {
	if os.Getenv("AWS_LAMBDA_RUNTIME_API") == "" || filepath.Base(os.Args[0]) != "bootstrap" {
		return ""
	}
	return os.Getenv("_HANDLER")
}
