package lambda

import (
	"time"

	"github.com/millrace/millrace/function"
)

// lastModified is the form of FunctionConfiguration.LastModified.
const lastModified = "2006-01-02T15:04:05.000+0000"

// configuration describes a function as AWS does.
func configuration(f function.Function) *FunctionConfiguration {
	c := &FunctionConfiguration{
		FunctionName:         &f.Name.Name,
		FunctionArn:          new(versionRef(f).ARN()),
		Runtime:              &f.Runtime,
		Role:                 &f.Role,
		Handler:              &f.Handler,
		CodeSize:             &f.CodeSize,
		Description:          &f.Description,
		Timeout:              new(int(f.Timeout / time.Second)),
		MemorySize:           &f.MemoryMB,
		LastModified:         new(f.LastModified.UTC().Format(lastModified)),
		CodeSha256:           new(f.CodeSha256()),
		Version:              &f.Version,
		TracingConfig:        &TracingConfigResponse{Mode: new(TracingModePassThrough)},
		RevisionId:           &f.RevisionID,
		State:                text(string(f.State)),
		StateReason:          text(f.StateReason),
		StateReasonCode:      text(f.StateReasonCode),
		LastUpdateStatus:     text(string(f.LastUpdateStatus)),
		PackageType:          new(PackageTypeZip),
		Architectures:        f.Architectures,
		EphemeralStorage:     &EphemeralStorage{Size: f.EphemeralMB},
		SnapStart:            &SnapStartResponse{ApplyOn: new(SnapStartApplyOnNone), OptimizationStatus: new(SnapStartOptimizationStatusOff)},
		RuntimeVersionConfig: &RuntimeVersionConfig{RuntimeVersionArn: new(f.RuntimeVersionARN())},
		LoggingConfig: &LoggingConfig{
			LogFormat: &f.LogFormat, ApplicationLogLevel: text(f.ApplicationLogLevel), SystemLogLevel: text(f.SystemLogLevel), LogGroup: &f.LogGroup,
		},

		LastUpdateStatusReason:     text(f.LastUpdateStatusReason),
		LastUpdateStatusReasonCode: text(f.LastUpdateStatusReasonCode),
	}
	if f.Environment != nil {
		c.Environment = &EnvironmentResponse{Variables: f.Environment}
	}
	for i := range f.Layers {
		c.Layers = append(c.Layers, Layer{Arn: &f.Layers[i].ARN, CodeSize: &f.Layers[i].CodeSize})
	}
	if f.DeadLetterARN != "" {
		c.DeadLetterConfig = &DeadLetterConfig{TargetArn: &f.DeadLetterARN}
	}
	return c
}

// versionRef names what a function is: itself, or one of its versions.
func versionRef(f function.Function) function.Ref {
	if f.Version == function.Latest {
		return function.Ref{Name: f.Name}
	}
	return function.Ref{Name: f.Name, Qualifier: f.Version}
}

// text returns nil for "", which AWS leaves out.
func text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// qualified describes a function with the name by which it was asked for, qualifier included.
func qualified(f function.Function, ref function.Ref) *FunctionConfiguration {
	c := configuration(f)
	c.FunctionArn = new(ref.ARN())
	return c
}

// listed describes a function as the list operations do: without its states and the version of its runtime, and as a
// version among others when all versions are listed.
func listed(f function.Function, all bool) FunctionConfiguration {
	c := configuration(f)
	c.State, c.StateReason, c.StateReasonCode = nil, nil, nil
	c.LastUpdateStatus, c.LastUpdateStatusReason, c.LastUpdateStatusReasonCode = nil, nil, nil
	c.RuntimeVersionConfig = nil
	if all {
		c.FunctionArn = new(function.Ref{Name: f.Name, Qualifier: f.Version}.ARN())
	}
	return *c
}
