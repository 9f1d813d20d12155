"""Runs a Python handler: the conversation between a function and the Lambda Runtime API.

It needs nothing but the standard library and Python 3.8. What handlers and callers can see of it (the context object,
the forms of errors, how values become JSON, what the log looks like) is what AWS's own runtime shows.
"""

import importlib
import json
import logging
import os
import re
import socket
import sys
import time
import traceback
import uuid
from decimal import Decimal

NO_BREAK_SPACE = "\u00a0"
LOG_TIME = "%Y-%m-%dT%H:%M:%SZ"


class Fault(Exception):
    """An error of the runtime's own kinds."""

    def __init__(self, error_type, message, trace=None):
        super().__init__(message)
        self.error_type = error_type
        self.message = message
        self.trace = trace


class RuntimeApi:
    """One kept-alive connection to the Runtime API. Its answers always have a Content-Length."""

    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self.host = address
        self.socket = socket.create_connection((host, int(port)))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.reader = self.socket.makefile("rb", 65536)

    def request(self, method, path, body=b"", headers=()):
        lines = ["%s /2018-06-01/runtime/%s HTTP/1.1" % (method, path), "Host: " + self.host]
        lines.extend("%s: %s" % pair for pair in headers)
        lines.append("Content-Length: %d\r\n\r\n" % len(body))
        head = "\r\n".join(lines).encode("latin-1", "replace")
        if len(body) < 65536:
            self.socket.sendall(head + body)
        else:
            self.socket.sendall(head)
            self.socket.sendall(body)
        return self.read_answer()

    def read_answer(self):
        status_line = self.reader.readline()
        if not status_line:
            raise ConnectionError("the Runtime API has closed the connection")
        headers = {}
        while True:
            line = self.reader.readline()
            if line in (b"\r\n", b""):
                break
            name, _, value = line.partition(b":")
            headers[name.decode("latin-1").lower()] = value.strip().decode("utf-8", "replace")
        body = self.reader.read(int(headers.get("content-length", 0)))
        return int(status_line.split(b" ", 2)[1]), headers, body

    def next(self):
        status, headers, body = self.request("GET", "invocation/next")
        if status != 200:
            raise Fault("Runtime.LambdaRuntimeClientError", "Failed to get next invocation: status %d" % status)
        return headers, body

    def respond(self, request_id, body, content_type):
        self.request("POST", "invocation/%s/response" % request_id, body, (("Content-Type", content_type),))

    def fail(self, request_id, error):
        self.request("POST", "invocation/%s/error" % request_id, to_json(error).encode("utf-8", "backslashreplace"), error_headers(error))

    def fail_init(self, error):
        self.request("POST", "init/error", to_json(error).encode("utf-8", "backslashreplace"), error_headers(error))


def error_headers(error):
    error_type = re.sub(r"[^ -~]", "?", error["errorType"])
    return (("Content-Type", "application/json"), ("Lambda-Runtime-Function-Error-Type", error_type))


class Encoder(json.JSONEncoder):
    """JSON as AWS's runtime writes it: with decimals as numbers, and from Python 3.12 on without escapes."""

    def __init__(self):
        super().__init__(ensure_ascii=runtime_minor() < 12)
        self.token = uuid.uuid4().hex
        self.decimals = []

    def default(self, value):
        if isinstance(value, Decimal):
            if value.is_nan():
                return float("nan")
            # The standard library cannot write a number from a text, so the text takes its place afterwards.
            self.decimals.append(str(value))
            return "%s:%d" % (self.token, len(self.decimals) - 1)
        if isinstance(value, bytes):
            return value.decode("utf-8")
        return super().default(value)

    def encode(self, value):
        text = super().encode(value)
        if not self.decimals:
            return text
        return re.sub('"%s:([0-9]+)"' % self.token, lambda match: self.decimals[int(match.group(1))], text)


def runtime_minor():
    match = re.match(r"AWS_Lambda_python3\.([0-9]+)$", os.environ.get("AWS_EXECUTION_ENV", ""))
    return int(match.group(1)) if match else sys.version_info[1]


def to_json(value):
    return Encoder().encode(value)


class Fields:
    """An object with the attributes that its class names, taken from a dict."""

    __slots__ = ()

    def __init__(self, values):
        for name in self.__slots__:
            setattr(self, name, values.get(name))

    def __repr__(self):
        return "%s([%s])" % (type(self).__name__, ",".join("%s=%s" % (name, getattr(self, name)) for name in self.__slots__))


class Client(Fields):
    __slots__ = ["installation_id", "app_title", "app_version_name", "app_version_code", "app_package_name"]


class ClientContext(Fields):
    __slots__ = ["custom", "env", "client"]

    def __init__(self, values):
        super().__init__(values)
        if self.client is not None:
            self.client = Client(self.client)


class CognitoIdentity(Fields):
    __slots__ = ["cognito_identity_id", "cognito_identity_pool_id"]


class LambdaContext:
    """What a handler gets as its second argument."""

    def __init__(self, headers):
        environ = os.environ
        self.aws_request_id = headers.get("lambda-runtime-aws-request-id")
        self.log_group_name = environ.get("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = environ.get("AWS_LAMBDA_LOG_STREAM_NAME")
        self.function_name = environ.get("AWS_LAMBDA_FUNCTION_NAME")
        self.memory_limit_in_mb = environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self.function_version = environ.get("AWS_LAMBDA_FUNCTION_VERSION")
        self.invoked_function_arn = headers.get("lambda-runtime-invoked-function-arn")
        self.tenant_id = headers.get("lambda-runtime-aws-tenant-id")
        self.client_context = None
        client_context = parse_header(headers, "lambda-runtime-client-context", "Client Context")
        if client_context is not None:
            self.client_context = ClientContext(client_context)
        identity = parse_header(headers, "lambda-runtime-cognito-identity", "Cognito Identity") or {}
        self.identity = CognitoIdentity(
            {"cognito_identity_id": identity.get("cognitoIdentityId"), "cognito_identity_pool_id": identity.get("cognitoIdentityPoolId")}
        )
        self._epoch_deadline_time_in_ms = int(headers.get("lambda-runtime-deadline-ms", 0))

    def get_remaining_time_in_millis(self):
        return max(0, self._epoch_deadline_time_in_ms - int(time.time() * 1000))

    def log(self, msg):
        sys.stdout.write(str(msg))

    def __repr__(self):
        names = (
            "aws_request_id", "log_group_name", "log_stream_name", "function_name", "memory_limit_in_mb",
            "function_version", "invoked_function_arn", "client_context", "identity", "tenant_id",
        )
        return "%s([%s])" % (type(self).__name__, ",".join("%s=%s" % (name, getattr(self, name)) for name in names))


def parse_header(headers, name, title):
    value = headers.get(name)
    if not value:
        return None
    try:
        return json.loads(value)
    except ValueError as e:
        raise Fault("Runtime.LambdaContextUnmarshalError", "Unable to parse %s JSON: %s" % (title, e))


def load_handler(name):
    """Returns the function that a handler name means: module.function, where the module may have folders."""
    try:
        module_name, function_name = name.rsplit(".", 1)
    except ValueError as e:
        raise Fault("Runtime.MalformedHandlerName", "Bad handler '%s': %s" % (name, e))
    if module_name.split(".")[0] in sys.builtin_module_names:
        raise Fault("Runtime.BuiltInModuleConflict", "Cannot use built-in module %s as a handler module" % module_name)
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as e:
        raise Fault("Runtime.ImportModuleError", "Unable to import module '%s': %s" % (module_name, e))
    except SyntaxError as e:
        trace = ['  File "%s" Line %s\n    %s' % (e.filename, e.lineno, e.text)]
        raise Fault("Runtime.UserCodeSyntaxError", "Syntax error in module '%s': %s" % (module_name, e), trace)
    try:
        return getattr(module, function_name)
    except AttributeError:
        raise Fault("Runtime.HandlerNotFound", "Handler '%s' missing on module '%s'" % (function_name, module_name))


def describe(error, request_id=""):
    """Returns the document of an exception."""
    if isinstance(error, Fault):
        return document(error.error_type, error.message, error.trace, request_id)
    frames = traceback.extract_tb(error.__traceback__)
    while frames and frames[0].filename == __file__:
        frames.pop(0)
    # As tuples they have no columns, and so no marks under the code, as at AWS.
    lines = traceback.format_list([(frame.filename, frame.lineno, frame.name, frame.line) for frame in frames])
    return document(type(error).__name__, str(error), lines, request_id)


def document(error_type, message, trace, request_id):
    return {"errorMessage": message, "errorType": error_type, "requestId": request_id, "stackTrace": trace or []}


def log_error(error):
    """Logs an error's document as one line: as JSON, or as text whose parts carriage returns separate."""
    if json_logs():
        sys.stdout.write(to_json({"timestamp": time.strftime(LOG_TIME, time.gmtime()), "log_level": "ERROR", **error}) + "\n")
        return
    lines = ["[ERROR] %s: %s" % (error["errorType"], error["errorMessage"]) if error["errorMessage"] else "[ERROR] " + error["errorType"]]
    lines.append("Traceback (most recent call last):")
    for element in error["stackTrace"]:
        for line in element.splitlines():
            text = line.lstrip(" ")
            lines.append(NO_BREAK_SPACE * (len(line) - len(text)) + text)
    sys.stdout.write("\r".join(lines).replace("\n", "\r") + "\n")


class LogHandler(logging.Handler):
    """Writes records to standard output, wherever that leads at the moment.

    Each is one event in the log, whatever its formatter makes of it: carriage returns separate its lines, as in errors.
    """

    def emit(self, record):
        try:
            text = self.format(record)
            if text.endswith("\n"):
                text = text[:-1]
            sys.stdout.write(text.replace("\n", "\r") + "\n")
        except Exception:
            self.handleError(record)


def json_logs():
    return os.environ.get("AWS_LAMBDA_LOG_FORMAT", "").upper() == "JSON"


class JsonFormatter(logging.Formatter):
    """Makes a JSON document of a record, with what the caller added to it by extra=."""

    own = set(logging.LogRecord("", 0, "", 0, "", (), None).__dict__) | {"aws_request_id", "message", "asctime", "taskName"}

    def format(self, record):
        # Levels of one's own count as the one below them, as at AWS.
        level = logging.getLevelName(min(50, max(0, record.levelno)) // 10 * 10)
        fields = {
            "timestamp": self.formatTime(record, LOG_TIME),
            "level": level,
            "message": record.getMessage(),
            "logger": record.name,
        }
        if record.exc_info and record.exc_info[0] is not None:
            kind, error, trace = record.exc_info
            fields["stackTrace"] = traceback.format_tb(trace)
            fields["errorType"] = kind.__name__
            fields["errorMessage"] = str(error)
        fields["requestId"] = getattr(record, "aws_request_id", None)
        if "errorType" in fields:
            fields["location"] = "%s:%s:%d" % (record.pathname, record.funcName, record.lineno)
        for name, value in record.__dict__.items():
            if name not in self.own and name not in fields:
                fields[name] = value
        return json.dumps({name: value for name, value in fields.items() if value is not None}, ensure_ascii=False)


class RequestFilter(logging.Filter):
    """Gives every record the id of the request under way."""

    request_id = ""

    def filter(self, record):
        record.aws_request_id = self.request_id
        return True


def set_up_logging():
    logging.Formatter.converter = time.gmtime
    handler = LogHandler()
    if json_logs():
        handler.setFormatter(JsonFormatter())
    else:
        handler.setFormatter(
            logging.Formatter("[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s\n", "%Y-%m-%dT%H:%M:%S")
        )
    request = RequestFilter()
    handler.addFilter(request)
    root = logging.getLogger()
    level = os.environ.get("AWS_LAMBDA_LOG_LEVEL", "").upper()
    level = "DEBUG" if level == "TRACE" else level
    if level in ("DEBUG", "INFO", "WARN", "WARNING", "ERROR", "FATAL", "CRITICAL"):
        root.setLevel(level)
    root.addHandler(handler)
    return request


def run_handler(handler, headers, body):
    """Returns the body and the type of the response."""
    context = LambdaContext(headers)
    event = body
    if headers.get("content-type") == "application/json":
        try:
            event = json.loads(body)
        except Exception as e:
            raise Fault("Runtime.UnmarshalError", "Unable to unmarshal input: %s" % e)
    response = handler(event, context)
    if isinstance(response, bytes):
        return response, "application/unknown"
    try:
        return to_json(response).encode("utf-8"), "application/json"
    except Exception as e:
        raise Fault("Runtime.MarshalError", "Unable to marshal response: %s" % e)


def serve(api, handler, request):
    while True:
        headers, body = api.next()
        request_id = request.request_id = headers.get("lambda-runtime-aws-request-id", "")
        trace_id = headers.get("lambda-runtime-trace-id")
        if trace_id:
            os.environ["_X_AMZN_TRACE_ID"] = trace_id
        else:
            os.environ.pop("_X_AMZN_TRACE_ID", None)
        try:
            response, content_type = run_handler(handler, headers, body)
        except Exception as e:
            error = describe(e, request_id)
            log_error(error)
            api.fail(request_id, error)
            del error, e
        else:
            api.respond(request_id, response, content_type)
            del response
        del headers, body


def main():
    task_root = os.environ.get("LAMBDA_TASK_ROOT", os.getcwd())
    sys.path[:1] = [task_root, "/opt/python/lib/python3.%d/site-packages" % sys.version_info[1], "/opt/python"]
    api = RuntimeApi(os.environ["AWS_LAMBDA_RUNTIME_API"])
    request = set_up_logging()
    try:
        handler = load_handler(os.environ.get("_HANDLER", ""))
    except Exception as e:
        error = describe(e)
        log_error(error)
        api.fail_init(error)
        sys.exit(1)
    serve(api, handler, request)


if __name__ == "__main__":
    main()
