package dev

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// What the functions that are ours are known by: the description.
const (
	description = "A folder of millrace dev"
	// debugged is that of one to which a debugger is to attach. Its concurrency is reserved, which ends with this.
	debugged = description + ", for a debugger"
)

func isOurs(f *function) bool {
	text := aws.ToString(f.Description)
	return text == description || text == debugged
}

// function is a function as the server has it.
type function = lambda.GetFunctionConfigurationOutput

// applyFunction makes the function what its plan says, and tells what it did.
func (w *watch) applyFunction(ctx context.Context, p plan, code []byte) error {
	f, err := w.clients.lambda.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: &p.name})
	if isNotFound(err) {
		return w.createFunction(ctx, p, code)
	}
	if err != nil {
		return refusal("GetFunctionConfiguration", err)
	}
	if !isOurs(f) {
		return errors.New("there is a function of this name that millrace dev did not make: it is left alone")
	}
	if err := w.unreserve(ctx, p, f); err != nil {
		return err
	}
	failed := f.State == types.StateFailed || f.LastUpdateStatus == types.LastUpdateStatusFailed
	if p.differsFrom(f) {
		if err := w.updateConfiguration(ctx, p); err != nil {
			return err
		}
		w.out.say(p.name, "settings are live: %s", &p)
	}
	if err := w.reserve(ctx, p); err != nil {
		return err
	}
	sum := sha256.Sum256(code)
	if base64.StdEncoding.EncodeToString(sum[:]) == aws.ToString(f.CodeSha256) && !failed {
		return nil
	}
	_, err = w.clients.lambda.UpdateFunctionCode(ctx, &lambda.UpdateFunctionCodeInput{FunctionName: &p.name, ZipFile: code})
	if err != nil {
		return refusal("UpdateFunctionCode", err)
	}
	if err := w.awaitFunction(ctx, p.name); err != nil {
		return err
	}
	w.out.say(p.name, "new code is live (%s)", size(len(code)))
	return nil
}

func (w *watch) createFunction(ctx context.Context, p plan, code []byte) error {
	_, err := w.clients.lambda.CreateFunction(ctx, &lambda.CreateFunctionInput{
		FunctionName: &p.name, Description: p.description(), Runtime: types.Runtime(p.runtime), Handler: &p.handler, Role: &p.role,
		Timeout: &p.timeout, MemorySize: &p.memory, Environment: &types.Environment{Variables: p.environment},
		Code: &types.FunctionCode{ZipFile: code},
	})
	if err != nil {
		return refusal("CreateFunction", err)
	}
	if err := w.awaitFunction(ctx, p.name); err != nil {
		return err
	}
	if err := w.reserve(ctx, p); err != nil {
		return err
	}
	w.out.say(p.name, "function made: %s; %s of code", &p, size(len(code)))
	return nil
}

// reserve lets a function that somebody looks at run once at a time: a debugger attaches to one instance.
func (w *watch) reserve(ctx context.Context, p plan) error {
	if !p.debugged {
		return nil
	}
	_, err := w.clients.lambda.PutFunctionConcurrency(ctx, &lambda.PutFunctionConcurrencyInput{
		FunctionName: &p.name, ReservedConcurrentExecutions: aws.Int32(1),
	})
	return refusal("PutFunctionConcurrency", err)
}

// unreserve ends that for a function that somebody has looked at. Its description still says so, and does until it is done.
func (w *watch) unreserve(ctx context.Context, p plan, f *function) error {
	if p.debugged || aws.ToString(f.Description) != debugged {
		return nil
	}
	_, err := w.clients.lambda.DeleteFunctionConcurrency(ctx, &lambda.DeleteFunctionConcurrencyInput{FunctionName: &p.name})
	return refusal("DeleteFunctionConcurrency", err)
}

func (p *plan) description() *string {
	if p.debugged {
		return aws.String(debugged)
	}
	return aws.String(description)
}

func (w *watch) updateConfiguration(ctx context.Context, p plan) error {
	_, err := w.clients.lambda.UpdateFunctionConfiguration(ctx, &lambda.UpdateFunctionConfigurationInput{
		FunctionName: &p.name, Description: p.description(), Runtime: types.Runtime(p.runtime), Handler: &p.handler, Role: &p.role,
		Timeout: &p.timeout, MemorySize: &p.memory, Environment: &types.Environment{Variables: p.environment},
	})
	if err != nil {
		return refusal("UpdateFunctionConfiguration", err)
	}
	return w.awaitFunction(ctx, p.name)
}

// differsFrom reports whether a setting of the function is another one.
func (p *plan) differsFrom(f *function) bool {
	var variables map[string]string
	if f.Environment != nil {
		variables = f.Environment.Variables
	}
	return aws.ToString(f.Description) != *p.description() || string(f.Runtime) != p.runtime || aws.ToString(f.Handler) != p.handler || aws.ToString(f.Role) != p.role ||
		aws.ToInt32(f.Timeout) != p.timeout || aws.ToInt32(f.MemorySize) != p.memory || !maps.Equal(variables, p.environment)
}

// awaitFunction waits until what was begun with a function has ended, and returns why it failed, if it has.
func (w *watch) awaitFunction(ctx context.Context, name string) error {
	return until(ctx, "the function is ready", func() (bool, error) {
		f, err := w.clients.lambda.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: &name})
		switch {
		case err != nil:
			return false, refusal("GetFunctionConfiguration", err)
		case f.State == types.StatePending || f.LastUpdateStatus == types.LastUpdateStatusInProgress:
			return false, nil
		case f.State == types.StateFailed:
			return false, fmt.Errorf("it cannot be run: %s", aws.ToString(f.StateReason))
		case f.LastUpdateStatus == types.LastUpdateStatusFailed:
			return false, fmt.Errorf("it cannot be run so: %s", aws.ToString(f.LastUpdateStatusReason))
		}
		return true, nil
	})
}

// ourFunctions lists the functions that were made from folders, in this run and in earlier ones.
func (w *watch) ourFunctions(ctx context.Context) (names []string, err error) {
	pages := lambda.NewListFunctionsPaginator(w.clients.lambda, &lambda.ListFunctionsInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, refusal("ListFunctions", err)
		}
		for _, f := range page.Functions {
			if text := aws.ToString(f.Description); text == description || text == debugged {
				names = append(names, aws.ToString(f.FunctionName))
			}
		}
	}
	return names, nil
}

// remove ends a function whose folder has gone. Its mappings stay, disabled, with their places in their streams.
func (w *watch) remove(ctx context.Context, name string) error {
	f, err := w.clients.lambda.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: &name})
	if isNotFound(err) {
		return nil
	}
	if err != nil {
		return refusal("GetFunctionConfiguration", err)
	}
	if !isOurs(f) {
		return nil
	}
	if err := w.disableOthers(ctx, name, nil); err != nil {
		return err
	}
	if _, err := w.clients.lambda.DeleteFunction(ctx, &lambda.DeleteFunctionInput{FunctionName: &name}); err != nil {
		return refusal("DeleteFunction", err)
	}
	w.out.say(name, "its folder has gone: function deleted")
	return nil
}

func size(bytes int) string {
	if bytes < 1<<20 {
		return fmt.Sprintf("%.1f KiB", float64(bytes)/(1<<10))
	}
	return fmt.Sprintf("%.1f MiB", float64(bytes)/(1<<20))
}
