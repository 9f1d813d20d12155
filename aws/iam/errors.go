package iam

import (
	"errors"
	"fmt"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/identity"
)

func fault(code, text string) *protocol.Error { return &protocol.Error{Code: code, Message: text} }

// translate gives an error of the room AWS's code and text. What it does not know stays as it is, and is an internal
// failure to the client.
func translate(err error) error {
	var (
		missing  *identity.NotFoundError
		exists   *identity.ExistsError
		conflict *identity.ConflictError
		limit    *identity.LimitError
		policy   *identity.PolicyError
	)
	switch {
	case err == nil:
		return nil
	case errors.As(err, &missing):
		return fault(NoSuchEntityException, absent(missing))
	case errors.As(err, &exists):
		return fault(EntityAlreadyExistsException, taken(exists))
	case errors.As(err, &conflict):
		return fault(DeleteConflictException, dependents[conflict.Because])
	case errors.As(err, &limit):
		if limit.What == "PolicySize" || limit.What == "ACLSizePerRole" {
			return fault(LimitExceededException, fmt.Sprintf("Maximum policy size of %d bytes exceeded", limit.Quota))
		}
		if limit.What == "VersionsPerPolicy" {
			return fault(LimitExceededException, fmt.Sprintf("A managed policy can have up to %d versions. Before you create a new version, you must delete an existing version.", limit.Quota))
		}
		return fault(LimitExceededException, fmt.Sprintf("Cannot exceed quota for %s: %d", limit.What, limit.Quota))
	case errors.As(err, &policy):
		return fault(MalformedPolicyDocumentException, policy.Reason)
	case errors.Is(err, identity.ErrReadOnly):
		return &protocol.Error{Code: "AccessDenied", Status: 403, Message: "You cannot change a policy that is managed by AWS."}
	}
	return err
}

func absent(e *identity.NotFoundError) string {
	switch e.What {
	case "policy", "attachment":
		return "Policy " + e.Name + " was not found."
	case "version":
		return "Policy " + e.Of + " version " + e.Name + " does not exist or is not attachable."
	case "inline policy":
		return "The " + e.Of + " policy with name " + e.Name + " cannot be found."
	case "entity":
		return "Invalid Entity Arn: " + e.Name + " does not clearly define entity type and name."
	case "access key":
		return "The Access Key with id " + e.Name + " cannot be found."
	case "boundary":
		return "The " + e.Of + " with name " + e.Name + " does not have a permissions boundary."
	}
	return "The " + e.What + " with name " + e.Name + " cannot be found."
}

func taken(e *identity.ExistsError) string {
	switch e.What {
	case "policy":
		return "A policy called " + e.Name + " already exists. Duplicate names are not allowed."
	case "role":
		return "Role with name " + e.Name + " already exists."
	case "group":
		return "Group with name " + e.Name + " already exists."
	}
	return "User with name " + e.Name + " already exists."
}

var dependents = map[identity.Dependent]string{
	identity.AttachedPolicies: "Cannot delete entity, must detach all policies first.",
	identity.InlinePolicies:   "Cannot delete entity, must delete policies first.",
	identity.AccessKeys:       "Cannot delete entity, must remove referenced objects first.",
	identity.Groups:           "Cannot delete entity, must remove users from group first.",
	identity.Members:          "Cannot delete entity, must remove users from group first.",
	identity.Attachments:      "Cannot delete a policy attached to entities.",
	identity.OtherVersions:    "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy.",
	identity.DefaultVersion:   "Cannot delete the default version of a policy.",
}

// translateAttach knows beside that what is said of a policy that was to be attached.
func translateAttach(err error, arn string) error {
	if errors.Is(err, identity.ErrNotAttachable) {
		return fault(NoSuchEntityException, "Policy "+arn+" does not exist or is not attachable.")
	}
	return translate(err)
}
