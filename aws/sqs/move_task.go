package sqs

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/internal/arn"
	"github.com/millrace/millrace/queue"
)

// handleOfTask is what a task's handle says, in base64.
type handleOfTask struct {
	ID     string `json:"taskId"`
	Source string `json:"sourceArn"`
}

func taskHandle(t queue.Task) string {
	text, err := json.Marshal(handleOfTask{t.ID, t.Source})
	if err != nil {
		panic(err) // two strings can always be written
	}
	return base64.StdEncoding.EncodeToString(text)
}

func openTaskHandle(handle string) (id, source string, err error) {
	var h handleOfTask
	text, err := base64.StdEncoding.DecodeString(handle)
	if err != nil || json.Unmarshal(text, &h) != nil || h.ID == "" || h.Source == "" {
		return "", "", invalidValue("Value for parameter TaskHandle is invalid.")
	}
	return h.ID, h.Source, nil
}

// locateARN finds out which queue an ARN means. Queues of other accounts and regions cannot be seen.
func locateARN(call protocol.Call, parameter, address string) (queue.Name, error) {
	if _, err := arn.Parse(address); err != nil {
		return queue.Name{}, invalidValue("You must use this format to specify the " + parameter +
			": arn:<partition>:<service>:<region>:<account-id>:<resource-id>")
	}
	name, err := queue.ParseARN(address)
	if err != nil || name.Account != call.Account || name.Region != call.Region {
		return name, missingResource(parameter)
	}
	return name, nil
}

func missingResource(parameter string) error {
	return &protocol.Error{
		Code: ResourceNotFoundException, Status: http.StatusNotFound,
		Message: "The resource that you specified for the " + parameter + " parameter doesn't exist.",
	}
}

// moveFault words what is wrong with a task.
func moveFault(err error) error {
	switch {
	case errors.Is(err, queue.ErrNotFound):
		return missingResource("SourceArn")
	case errors.Is(err, queue.ErrDestinationNotFound):
		return missingResource("DestinationArn")
	case errors.Is(err, queue.ErrTaskNotFound):
		return &protocol.Error{Code: ResourceNotFoundException, Status: http.StatusNotFound, Message: "Task does not exist."}
	}
	return facts{}.translate(err)
}
