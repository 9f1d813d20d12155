package lambda

import (
	"context"
	"errors"
	"net"
	"strings"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/function"
)

// urlTime is the form of the times of URLs.
const urlTime = "2006-01-02T15:04:05.000000Z"

// CreateFunctionUrlConfig gives a function or an alias a URL.
func (d *Door) CreateFunctionUrlConfig(ctx context.Context, in *CreateFunctionUrlConfigRequest) (*CreateFunctionUrlConfigResponse, error) {
	ref, err := bareRef(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	c, err := d.Functions.CreateURL(ctx, function.URLConfig{
		About: ref, IAM: in.AuthType == FunctionUrlAuthTypeAwsIam, Stream: streams(in.InvokeMode), Cors: roomCors(in.Cors),
	})
	if errors.Is(err, function.ErrURLExists) {
		return nil, conflict("Failed to create function url config for [functionArn = %s]. Error message:  FunctionUrlConfig exists for this Lambda function", ref.ARN())
	}
	if err != nil {
		return nil, translateURL(err)
	}
	u := functionURL(ctx, c)
	return &CreateFunctionUrlConfigResponse{
		FunctionUrl: u.FunctionUrl, FunctionArn: u.FunctionArn, AuthType: u.AuthType, Cors: u.Cors, CreationTime: u.CreationTime, InvokeMode: in.InvokeMode,
	}, nil
}

// GetFunctionUrlConfig tells of a URL.
func (d *Door) GetFunctionUrlConfig(ctx context.Context, in *GetFunctionUrlConfigRequest) (*GetFunctionUrlConfigResponse, error) {
	ref, err := bareRef(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	c, err := d.Functions.URL(ctx, ref)
	if err != nil {
		return nil, translateURL(err)
	}
	return new(functionURL(ctx, c)), nil
}

// UpdateFunctionUrlConfig changes what it names.
func (d *Door) UpdateFunctionUrlConfig(ctx context.Context, in *UpdateFunctionUrlConfigRequest) (*UpdateFunctionUrlConfigResponse, error) {
	ref, err := bareRef(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	change := function.URLUpdate{Stream: streams(in.InvokeMode), Cors: roomCors(in.Cors)}
	if in.AuthType != nil {
		change.IAM = new(*in.AuthType == FunctionUrlAuthTypeAwsIam)
	}
	c, err := d.Functions.UpdateURL(ctx, ref, change)
	if err != nil {
		return nil, translateURL(err)
	}
	u := functionURL(ctx, c)
	if c.Stream == nil { // AWS shows it only if it was ever given
		u.InvokeMode = nil
	}
	return new(UpdateFunctionUrlConfigResponse(u)), nil
}

// DeleteFunctionUrlConfig takes a URL away.
func (d *Door) DeleteFunctionUrlConfig(ctx context.Context, in *DeleteFunctionUrlConfigRequest) error {
	ref, err := bareRef(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return err
	}
	return translateURL(d.Functions.DeleteURL(ctx, ref))
}

// maxListedURLs is how many URLs a page has, when not asked for fewer.
const maxListedURLs = 50

// ListFunctionUrlConfigs lists the URLs of a function and of its aliases.
func (d *Door) ListFunctionUrlConfigs(ctx context.Context, in *ListFunctionUrlConfigsRequest) (*ListFunctionUrlConfigsResponse, error) {
	ref, err := bareRef(ctx, in.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	after, err := readMarker(in.Marker)
	if err != nil {
		return nil, err
	}
	list, more, err := d.Functions.URLs(ctx, ref.Name, after, pageSize(maxListedURLs, in.MaxItems))
	if err != nil {
		return nil, translateURL(err)
	}
	out := &ListFunctionUrlConfigsResponse{FunctionUrlConfigs: make([]FunctionUrlConfig, len(list))}
	for i, c := range list {
		u := functionURL(ctx, c)
		out.FunctionUrlConfigs[i] = FunctionUrlConfig{
			FunctionUrl: u.FunctionUrl, FunctionArn: u.FunctionArn, CreationTime: u.CreationTime, LastModifiedTime: u.LastModifiedTime,
			Cors: u.Cors, AuthType: u.AuthType, InvokeMode: u.InvokeMode,
		}
	}
	if more {
		out.NextMarker = marker(list[len(list)-1].ID)
	}
	return out, nil
}

// streams reads an invoke mode, which may be left out.
func streams(mode *string) *bool {
	if mode == nil {
		return nil
	}
	return new(*mode == InvokeModeResponseStream)
}

func roomCors(c *Cors) *function.Cors {
	if c == nil {
		return nil
	}
	return new(function.Cors(*c))
}

// functionURL describes a URL as AWS does. Its host is a name below that of this server.
func functionURL(ctx context.Context, c function.URLConfig) GetFunctionUrlConfigResponse {
	u := GetFunctionUrlConfigResponse{
		FunctionArn: c.About.ARN(), AuthType: FunctionUrlAuthTypeNone, InvokeMode: new(InvokeModeBuffered),
		CreationTime: c.Created.UTC().Format(urlTime), LastModifiedTime: c.LastModified.UTC().Format(urlTime),
	}
	if c.IAM {
		u.AuthType = FunctionUrlAuthTypeAwsIam
	}
	if isTrue(c.Stream) {
		u.InvokeMode = new(InvokeModeResponseStream)
	}
	if c.Cors != nil {
		u.Cors = new(Cors(*c.Cors))
	}
	call := protocol.CallFrom(ctx)
	u.FunctionUrl = call.Scheme + "://" + c.ID + urlMark + c.About.Region + "." + serverName(call.Host) + "/"
	return u
}

// urlMark stands between a URL's id and its region in the name of its host.
const urlMark = ".lambda-url."

// serverName is the host by which a client calls this server, as the end of a name: addresses have none below them, but localhost
// does.
func serverName(host string) string {
	name, port, err := net.SplitHostPort(host)
	if err != nil {
		name, port = host, ""
	}
	if name == "" || net.ParseIP(strings.Trim(name, "[]")) != nil {
		name = "localhost"
	}
	if port != "" {
		name += ":" + port
	}
	return name
}

// translateURL gives an error about URLs its text.
func translateURL(err error) error {
	switch {
	case errors.Is(err, function.ErrNoURL):
		return &protocol.Error{Code: ResourceNotFoundException, Message: "The resource you requested does not exist."}
	case errors.Is(err, function.ErrNotFound):
		return &protocol.Error{Code: ResourceNotFoundException, Message: "Function does not exist"}
	}
	return translate(err)
}
