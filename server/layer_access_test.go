package server_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/millrace/millrace/server"
)

// Who makes a function of an object or of a layer must be allowed to read it.
func TestCodeIsReadAsTheCaller(t *testing.T) {
	address := judging(t, server.AuthIAM)
	boss, _ := as(address, root)
	ann, _ := as(address, newUser(t, address, "ann"))
	must(t, address, root, "PutUserPolicy", "UserName", "ann", "PolicyName", "functions", "PolicyDocument",
		`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["lambda:UpdateFunction*","lambda:PublishLayerVersion","lambda:ListLayers"],"Resource":"*"}}`)
	if _, err := boss.s3.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("code")}); err != nil {
		t.Fatal(err)
	}
	_, err := boss.s3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("code"), Key: aws.String("k"), Body: strings.NewReader(string(zipped(t, "#!/bin/sh\n")))})
	if err != nil {
		t.Fatal(err)
	}
	publish := &lambda.PublishLayerVersionInput{
		LayerName: aws.String("l"), Content: &lambdatypes.LayerVersionContentInput{S3Bucket: aws.String("code"), S3Key: aws.String("k")},
	}
	_, err = ann.lambda.PublishLayerVersion(t.Context(), publish)
	refused(t, "a layer", err, "AccessDeniedException", "s3:GetObject on resource: arn:aws:s3:::code/k")
	_, err = ann.lambda.UpdateFunctionCode(t.Context(), &lambda.UpdateFunctionCodeInput{
		FunctionName: aws.String("f"), S3Bucket: aws.String("code"), S3Key: aws.String("k"),
	})
	refused(t, "a function", err, "AccessDeniedException", "s3:GetObject on resource: arn:aws:s3:::code/k")
	made, err := boss.lambda.PublishLayerVersion(t.Context(), publish)
	if err != nil {
		t.Fatal(err)
	}
	_, err = ann.lambda.UpdateFunctionConfiguration(t.Context(), &lambda.UpdateFunctionConfigurationInput{
		FunctionName: aws.String("f"), Layers: []string{*made.LayerVersionArn},
	})
	refused(t, "a function with a layer", err, "AccessDeniedException", "lambda:GetLayerVersion on resource: "+*made.LayerVersionArn)
	_, err = ann.lambda.GetLayerVersion(t.Context(), &lambda.GetLayerVersionInput{LayerName: made.LayerArn, VersionNumber: aws.Int64(1)})
	refused(t, "a version of a layer", err, "AccessDeniedException", "lambda:GetLayerVersion on resource: "+*made.LayerVersionArn)
	must(t, address, root, "PutUserPolicy", "UserName", "ann", "PolicyName", "code", "PolicyDocument",
		`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::code/*"}}`)
	if _, err = ann.lambda.PublishLayerVersion(t.Context(), publish); err != nil {
		t.Error(err)
	}
}
