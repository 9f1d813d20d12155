package lambda

// member is a part of a request that is known and not carried out, and whether the request asks for something by it. A
// member that only says what is so anyway asks for nothing.
type member struct {
	name string
	set  bool
}

// refuse answers a request that asks for what is not carried out.
func refuse(members ...member) error {
	for _, m := range members {
		if m.set {
			return invalid("%s is not supported.", m.name)
		}
	}
	return nil
}

func given(text *string) bool { return text != nil && *text != "" }

// isReference reports whether code is to stay where it is, instead of being copied.
func isReference(mode *string) bool { return mode != nil && *mode != S3ObjectStorageModeCopy }
func isTrue(flag *bool) bool        { return flag != nil && *flag }

// unsupported are the settings that creating and updating a function share and that are not carried out.
func unsupported(
	vpc *VpcConfig, key *string, tracing *TracingConfig, files []FileSystemConfig,
	image *ImageConfig, snap *SnapStart, capacity *CapacityProviderConfig, durable *DurableConfig,
) []member {
	return []member{
		{"VpcConfig", vpc != nil && (len(vpc.SubnetIds) > 0 || len(vpc.SecurityGroupIds) > 0 || isTrue(vpc.Ipv6AllowedForDualStack))},
		{"KMSKeyArn", given(key)},
		{"TracingConfig.Mode Active", tracing != nil && tracing.Mode != nil && *tracing.Mode != TracingModePassThrough},
		{"FileSystemConfigs", len(files) > 0},
		{"ImageConfig", image != nil && (len(image.EntryPoint) > 0 || len(image.Command) > 0 || given(image.WorkingDirectory))},
		{"SnapStart.ApplyOn PublishedVersions", snap != nil && snap.ApplyOn != nil && *snap.ApplyOn != SnapStartApplyOnNone},
		{"CapacityProviderConfig", capacity != nil},
		{"DurableConfig", durable != nil},
	}
}
