// Runs a Node.js handler: the conversation between a function and the Lambda Runtime API.
//
// It needs nothing but Node.js 16. What handlers and callers can see of it (how handlers are found and called, the
// context object, the forms of errors, what the log looks like) is what AWS's own runtime shows.
//
// Handlers may end by leaving nothing to do, which Node.js reports as beforeExit. That works only while nothing of ours
// keeps the event loop busy: so no request is under way, and the socket counts for nothing, while the handler runs.

'use strict';

const fs = require('fs');
const net = require('net');
const path = require('path');
const util = require('util');

const streamingMark = Symbol.for('aws.lambda.runtime.handler.streaming');
const requestIdSymbol = Symbol.for('aws.lambda.runtime.requestId');
const errorTypeHeader = 'Lambda-Runtime-Function-Error-Type';

// Errors of the runtime's own kinds.

function kind(name) {
  const type = class extends Error {};
  Object.defineProperty(type, 'name', { value: name });
  type.prototype.name = 'Runtime.' + name;
  return type;
}

const ImportModuleError = kind('ImportModuleError');
const HandlerNotFound = kind('HandlerNotFound');
const MalformedHandlerName = kind('MalformedHandlerName');
const UserCodeSyntaxError = kind('UserCodeSyntaxError');
const NodeJsExit = kind('NodeJsExit');
const UnhandledPromiseRejection = kind('UnhandledPromiseRejection');
const CallbackHandlerDeprecated = kind('CallbackHandlerDeprecated');

const neverSettled =
  'The Lambda runtime client detected an unexpected Node.js exit code. This is most commonly caused by a Promise that ' +
  'was never settled. For more information, see https://nodejs.org/docs/latest/api/process.html#exit-codes';
const callbackRemoved =
  'ERROR: AWS Lambda has removed support for callback-based function handlers starting with Node.js 24. You need to ' +
  'modify this function to use a supported handler signature to use Node.js 24 or later. For more information see ' +
  'https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html.';

const InvalidStreamingOperation = kind('InvalidStreamingOperation');
const MalformedStreamingHandler = kind('MalformedStreamingHandler');

// isError reports whether a value is an error, perhaps of another realm, or looks like one.
function isError(value) {
  const text = (part) => typeof part === 'string' && part !== '';
  return util.types.isNativeError(value) || (value && text(value.name) && text(value.message) && text(value.stack));
}

// document returns the form in which callers see an error.
function document(error) {
  const escaped = (text) => (text === undefined || text === null ? undefined : text.replace(/\x7F/g, '%7F'));
  try {
    if (isError(error)) {
      return { errorType: escaped(error.name), errorMessage: escaped(error.message), trace: escaped(error.stack).split('\n') };
    }
    return { errorType: typeof error, errorMessage: error.toString(), trace: [] };
  } catch (_) {
    return {
      errorType: 'handled',
      errorMessage: 'callback called with Error argument, but there was a problem while retrieving one or more of its message, name, and stack',
    };
  }
}

// formatted returns an error for the log.
function formatted(error) {
  const withAll = (_, value) => {
    if (!(value instanceof Error)) {
      return value;
    }
    const all = Object.assign({ errorType: value.name, errorMessage: value.message, code: value.code }, value);
    if (typeof value.stack === 'string') {
      all.stack = value.stack.split('\n');
    }
    return all;
  };
  try {
    return '\t' + JSON.stringify(error instanceof Error ? error : new Error(error), withAll);
  } catch (_) {
    return '\t' + JSON.stringify(document(error));
  }
}

function logError(title, error) {
  if (jsonLogs()) {
    console.error(error instanceof Error ? error : new Error(error));
  } else {
    console.error(title, formatted(error));
  }
}

// Logging. The levels are in their order; what is below the function's is not written.

const levels = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'];

function jsonLogs() {
  return (process.env.AWS_LAMBDA_LOG_FORMAT || '').toUpperCase() === 'JSON';
}

function patchConsole() {
  const line = jsonLogs() ? jsonLine : textLine;
  const least = Math.max(0, levels.indexOf((process.env.AWS_LAMBDA_LOG_LEVEL || '').toUpperCase()));
  const writer = (level) => {
    if (level !== 'FATAL' && levels.indexOf(level) < least) {
      return () => {};
    }
    return (message, ...rest) => process.stdout.write(line(level, message, ...rest).replace(/\n/g, '\r') + '\n');
  };
  console.trace = writer('TRACE');
  console.debug = writer('DEBUG');
  console.info = console.log = writer('INFO');
  console.warn = writer('WARN');
  console.error = writer('ERROR');
  console.fatal = writer('FATAL');
}

function textLine(level, message, ...rest) {
  return `${new Date().toISOString()}\t${globalThis[requestIdSymbol]}\t${level}\t${util.format(message, ...rest)}`;
}

function jsonLine(level, ...values) {
  const line = { timestamp: new Date().toISOString(), level, requestId: globalThis[requestIdSymbol] };
  if (values.length === 1) {
    line.message = values[0];
    try {
      return JSON.stringify(line, errorsAsObjects);
    } catch (_) {
      line.message = util.format(values[0]);
      return JSON.stringify(line);
    }
  }
  line.message = util.format(...values);
  const error = values.find((value) => value instanceof Error);
  return JSON.stringify(error ? Object.assign(line, errorFields(error)) : line);
}

function errorsAsObjects(_, value) {
  return value instanceof Error ? Object.assign(errorFields(value), value) : value;
}

function errorFields(error) {
  return {
    errorType: (error.constructor && error.constructor.name) || 'UnknownError',
    errorMessage: error.message,
    stackTrace: typeof error.stack === 'string' ? error.stack.split('\n') : error.stack,
  };
}

// RuntimeApi is one kept-alive connection to the Runtime API. Its answers always have a Content-Length.
class RuntimeApi {
  constructor(address) {
    this.address = address;
    const [host, port] = address.split(':');
    this.host = host;
    this.port = Number(port);
    this.socket = null;
    this.waiting = null; // what to do with the answer to the request under way
    this.chunks = [];
    this.length = 0;
    this.answer = null; // the head of the answer that is arriving
  }

  connect() {
    const socket = net.connect({ host: this.host, port: this.port, noDelay: true });
    socket.setNoDelay(true);
    socket.on('data', (chunk) => this.receive(chunk));
    socket.on('error', (error) => this.lost(error));
    socket.on('close', () => this.lost(new Error('the Runtime API has closed the connection')));
    return socket;
  }

  lost(error) {
    if (this.waiting !== null) {
      process.stderr.write(`Runtime API: ${error.message}\n`);
    }
    process.exit(1);
  }

  // request calls done with status, headers and body of the answer.
  request(method, target, headers, body, done) {
    if (this.socket === null) {
      this.socket = this.connect();
    }
    this.waiting = done;
    this.socket.ref();
    let head = `${method} /2018-06-01/runtime/${target} HTTP/1.1\r\nHost: ${this.address}\r\n`;
    for (const name of Object.keys(headers)) {
      head += `${name}: ${String(headers[name]).replace(/[^ -~]/g, '?')}\r\n`;
    }
    const content = Buffer.from(body, 'utf8');
    head += `Content-Length: ${content.length}\r\n\r\n`;
    this.socket.cork();
    this.socket.write(head, 'latin1');
    if (content.length > 0) {
      this.socket.write(content);
    }
    this.socket.uncork();
  }

  receive(chunk) {
    this.chunks.push(chunk);
    this.length += chunk.length;
    if (this.answer === null) {
      const all = this.chunks.length === 1 ? chunk : Buffer.concat(this.chunks);
      const end = all.indexOf('\r\n\r\n');
      if (end < 0) {
        this.chunks = [all];
        return;
      }
      this.answer = parseHead(all.toString('utf8', 0, end));
      this.chunks = [all.subarray(end + 4)];
      this.length = this.chunks[0].length;
    }
    const size = Number(this.answer.headers['content-length'] || 0);
    if (this.length < size) {
      return;
    }
    const { status, headers } = this.answer;
    const body = (this.chunks.length === 1 ? this.chunks[0] : Buffer.concat(this.chunks)).subarray(0, size);
    const done = this.waiting;
    this.waiting = this.answer = null;
    this.chunks = [];
    this.length = 0;
    this.socket.unref();
    done(status, headers, body);
  }

  next(done) {
    this.request('GET', 'invocation/next', {}, '', (status, headers, body) => {
      if (status !== 200) {
        process.stderr.write(`Runtime API: next invocation: status ${status}\n`);
        process.exit(1);
      }
      done(headers, body);
    });
  }

  respond(id, body, done) {
    this.request('POST', `invocation/${encodeURIComponent(id)}/response`, { 'Content-Type': 'application/json' }, body, done);
  }

  fail(id, error, done) {
    this.report(`invocation/${encodeURIComponent(id)}/error`, error, done);
  }

  failInit(error, done) {
    this.report('init/error', error, done);
  }

  report(target, error, done) {
    const described = document(error);
    const headers = { 'Content-Type': 'application/json', [errorTypeHeader]: described.errorType };
    this.request('POST', target, headers, JSON.stringify(described), done);
  }
}

function parseHead(text) {
  const lines = text.split('\r\n');
  const headers = {};
  for (const line of lines.slice(1)) {
    const colon = line.indexOf(':');
    headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  return { status: Number(lines[0].split(' ')[1]), headers };
}

// Finding the handler.

// loadHandler returns the function that a handler name means: folders/module.property.function.
async function loadHandler(root, name) {
  if (name.includes('..')) {
    throw new MalformedHandlerName(
      `'${name}' is not a valid handler name. Use absolute paths when specifying root directories in handler names.`,
    );
  }
  const base = path.basename(name);
  const folder = name.substring(0, name.indexOf(base));
  const match = base.match(/^([^.]*)\.(.*)$/);
  if (!match) {
    throw new MalformedHandlerName('Bad handler');
  }
  const module = await loadModule(root, folder, match[1]);
  const find = (from) => match[2].split('.').reduce((object, key) => object && object[key], from);
  const handler = find(module) || (module && find(module.default));
  if (!handler) {
    throw new HandlerNotFound(`${name} is undefined or not exported`);
  }
  if (typeof handler !== 'function') {
    throw new HandlerNotFound(`${name} is not a function`);
  }
  return handler;
}

async function loadModule(root, folder, name) {
  try {
    return await tryModule(root, folder, name);
  } catch (error) {
    if (error instanceof SyntaxError) {
      throw new UserCodeSyntaxError(error);
    }
    if (error && error.code === 'MODULE_NOT_FOUND') {
      throw new ImportModuleError(error);
    }
    throw error;
  }
}

async function tryModule(root, folder, name) {
  const file = path.resolve(root, folder, name);
  if (fs.existsSync(file)) {
    return require(file); // a file without extension, or a package in a folder
  }
  if (isFile(file + '.js')) {
    return isModuleFolder(path.dirname(file)) ? import(fileURL(file + '.js')) : require(file + '.js');
  }
  if (isFile(file + '.mjs')) {
    return import(fileURL(file + '.mjs'));
  }
  if (isFile(file + '.cjs')) {
    return require(file + '.cjs');
  }
  return require(require.resolve(name, { paths: [root, path.resolve(root, folder)] }));
}

function isFile(file) {
  try {
    return fs.statSync(file).isFile();
  } catch (_) {
    return false;
  }
}

function fileURL(file) {
  return require('url').pathToFileURL(file).href;
}

// isModuleFolder reports whether the nearest package.json says that .js files are ES modules.
function isModuleFolder(folder) {
  if (folder.endsWith('/node_modules')) {
    return false;
  }
  const file = path.join(folder, 'package.json');
  if (fs.existsSync(file)) {
    try {
      return JSON.parse(fs.readFileSync(file, 'utf8')).type === 'module';
    } catch (error) {
      console.warn(`${file} cannot be read, it will be ignored for ES module detection purposes.`, error);
      return false;
    }
  }
  const parent = path.dirname(folder);
  return parent === folder ? false : isModuleFolder(parent);
}

// runtimeMajor is the major version of the runtime that the function asked for.
function runtimeMajor() {
  const match = /nodejs(\d+)/.exec(process.env.AWS_EXECUTION_ENV || '');
  return Number(match ? match[1] : process.versions.node.split('.')[0]);
}

// Response streaming: the handler writes to a request to the Runtime API.

function provideStreaming() {
  if (/^(1|true)$/.test(process.env.AWS_LAMBDA_NODEJS_NO_GLOBAL_AWSLAMBDA || '')) {
    return;
  }
  globalThis.awslambda = {
    streamifyResponse: (handler) => {
      handler[streamingMark] = 'response';
      return handler;
    },
    HttpResponseStream: {
      from: (stream, prelude) => {
        stream.setContentType('application/vnd.awslambda.http-integration-response');
        stream._onBeforeFirstWrite = (write) => {
          write(JSON.stringify(prelude));
          write(new Uint8Array(8));
        };
        return stream;
      },
    },
    InvokeStore: invokeStore,
  };
}

// isStreaming reports whether a handler wants to stream its response.
function isStreaming(handler) {
  const mark = handler[streamingMark];
  if (mark === undefined || mark === null || mark === false) {
    return false;
  }
  if (mark !== 'response') {
    throw new MalformedStreamingHandler('Only response streaming is supported.');
  }
  return true;
}

// invokeStore holds what belongs to the invocation under way, for libraries that look for it where AWS's runtime has it.
class InvokeStore {
  constructor() {
    this.currentContext = undefined;
  }

  isProtectedKey(key) {
    return Object.values(InvokeStore.PROTECTED_KEYS).includes(key);
  }

  getRequestId() {
    const id = this.get(InvokeStore.PROTECTED_KEYS.REQUEST_ID);
    return id === undefined || id === null ? '-' : id;
  }

  getXRayTraceId() {
    return this.get(InvokeStore.PROTECTED_KEYS.X_RAY_TRACE_ID);
  }

  getTenantId() {
    return this.get(InvokeStore.PROTECTED_KEYS.TENANT_ID);
  }

  getContext() {
    return this.currentContext;
  }

  hasContext() {
    return this.currentContext !== undefined;
  }

  get(key) {
    return this.currentContext === undefined ? undefined : this.currentContext[key];
  }

  set(key, value) {
    if (this.isProtectedKey(key)) {
      throw new Error(`Cannot modify protected Lambda context field: ${String(key)}`);
    }
    this.currentContext = this.currentContext || {};
    this.currentContext[key] = value;
  }

  run(context, run) {
    this.currentContext = context;
    return run();
  }
}
InvokeStore.PROTECTED_KEYS = {
  REQUEST_ID: Symbol.for('_AWS_LAMBDA_REQUEST_ID'),
  X_RAY_TRACE_ID: Symbol.for('_AWS_LAMBDA_X_RAY_TRACE_ID'),
  TENANT_ID: Symbol.for('_AWS_LAMBDA_TENANT_ID'),
};
const invokeStore = new InvokeStore();

// responseStream opens the request that carries the response; done is called when the Runtime API has answered it.
function responseStream(api, id, done) {
  const request = require('http').request({
    host: api.host,
    port: api.port,
    method: 'POST',
    path: `/2018-06-01/runtime/invocation/${encodeURIComponent(id)}/response`,
    headers: {
      'Content-Type': 'application/octet-stream',
      'Lambda-Runtime-Function-Response-Mode': 'streaming',
      'Transfer-Encoding': 'chunked',
      Trailer: [errorTypeHeader, 'Lambda-Runtime-Function-Error-Body'],
    },
  });
  request.on('response', (response) => response.resume().on('end', done));
  request.on('error', (error) => api.lost(error));
  let written = false;
  request.setContentType = (type) => {
    if (written) {
      throw new InvalidStreamingOperation('Cannot set content-type, too late.');
    }
    request.setHeader('Content-Type', type);
  };
  const write = request.write.bind(request);
  request.write = (chunk, encoding, callback) => {
    if (typeof chunk !== 'string' && !Buffer.isBuffer(chunk) && !(chunk && chunk.constructor === Uint8Array)) {
      chunk = JSON.stringify(chunk);
    }
    if (!written && typeof request._onBeforeFirstWrite === 'function') {
      request._onBeforeFirstWrite((first) => write(first));
    }
    written = true;
    return write(chunk, encoding, callback);
  };
  request.failWith = (error) => {
    const described = document(error);
    request.addTrailers({
      [errorTypeHeader]: String(described.errorType).replace(/[^ -~]/g, '?'),
      'Lambda-Runtime-Function-Error-Body': Buffer.from(JSON.stringify(described)).toString('base64'),
    });
    request.end();
  };
  return request;
}

// Running the handler.

class Runtime {
  constructor(api, handler) {
    this.api = api;
    this.handler = handler;
    this.streaming = isStreaming(handler);
    this.isAsync = handler.constructor && handler.constructor.name === 'AsyncFunction';
    this.callbacks = runtimeMajor() < 24;
    this.id = null; // of the invocation that has no answer yet
    this.onEmpty = null; // what to do when there is nothing left to do
    this.next = this.next.bind(this);
  }

  next() {
    this.id = null;
    this.onEmpty = null;
    this.api.next((headers, body) => setImmediate(() => this.invoke(headers, body)));
  }

  invoke(headers, body) {
    const id = headers['lambda-runtime-aws-request-id'];
    this.id = id;
    globalThis[requestIdSymbol] = id;
    if (headers['lambda-runtime-trace-id']) {
      process.env._X_AMZN_TRACE_ID = headers['lambda-runtime-trace-id'];
    } else {
      delete process.env._X_AMZN_TRACE_ID;
    }
    const store = {
      [InvokeStore.PROTECTED_KEYS.REQUEST_ID]: id,
      [InvokeStore.PROTECTED_KEYS.X_RAY_TRACE_ID]: headers['lambda-runtime-trace-id'],
      [InvokeStore.PROTECTED_KEYS.TENANT_ID]: headers['lambda-runtime-aws-tenant-id'],
    };
    invokeStore.run(store, () => (this.streaming ? this.invokeStreaming(id, headers, body) : this.invokeBuffered(id, headers, body)));
  }

  invokeBuffered(id, headers, body) {
    const answers = this.answers(id);
    this.onEmpty = () => {
      if (this.isAsync) {
        const error = new NodeJsExit(neverSettled);
        logError('Invoke Error', error);
        answers.close();
        this.api.fail(id, error, this.next);
      } else {
        answers.succeed(null);
      }
    };
    try {
      const context = contextOf(headers);
      if (this.callbacks) {
        Object.defineProperty(context, 'callbackWaitsForEmptyEventLoop', {
          enumerable: true,
          get: () => answers.waits,
          set: (value) => (answers.waits = value),
        });
        Object.assign(context, { succeed: answers.succeed, fail: answers.fail, done: answers.done });
      }
      const event = JSON.parse(body.toString('utf8'));
      const result = this.callbacks ? this.handler(event, context, answers.callback) : this.handler(event, context);
      if (result && typeof result.then === 'function') {
        result.then(answers.succeed, answers.fail).catch(answers.fail);
      } else if (!this.callbacks) {
        answers.succeed(result);
      }
    } catch (error) {
      answers.callback(error);
    }
  }

  // answers returns the ways in which a handler can answer the invocation. The first that works counts.
  answers(id) {
    let answered = false;
    const once = (answer) => (...values) => {
      if (!answered && this.id === id) {
        answer(...values);
        answered = true;
      }
    };
    const post = (result) => {
      const text = serialize(result);
      this.onEmpty = null;
      this.api.respond(id, text, this.next);
    };
    const fail = (error) => {
      this.onEmpty = null;
      logError('Invoke Error', error);
      this.api.fail(id, error, this.next);
    };
    const done = (error, result) => (error === undefined || error === null ? post(result) : fail(error));
    const answers = {
      waits: true,
      close: () => (answered = true),
      succeed: once(post),
      fail: once((error) => fail(error === undefined || error === null ? 'handled' : error)),
      done: once(done),
      callback: once((error, result) => {
        if (answers.waits && (error === undefined || error === null)) {
          this.onEmpty = () => setImmediate(() => this.postOrFail(id, post, result));
        } else {
          done(error, result);
        }
      }),
    };
    return answers;
  }

  postOrFail(id, post, result) {
    try {
      post(result);
    } catch (error) {
      logError('Invoke Error', error);
      this.api.fail(id, error, this.next);
    }
  }

  async invokeStreaming(id, headers, body) {
    let answer;
    const answered = new Promise((resolve) => (answer = resolve));
    const stream = responseStream(this.api, id, answer);
    let waits = true;
    const fail = (error) => {
      logError('Invoke Error', error);
      stream.failWith(error);
    };
    try {
      const context = contextOf(headers);
      Object.defineProperty(context, 'callbackWaitsForEmptyEventLoop', { enumerable: true, get: () => waits, set: (value) => (waits = value) });
      const result = this.handler(JSON.parse(body.toString('utf8')), stream, context);
      if (!result || typeof result.then !== 'function') {
        fail('Streaming does not support non-async handlers.');
      } else if ((await result) !== undefined) {
        console.warn('Streaming handlers ignore return values.');
      }
    } catch (error) {
      fail(error);
    }
    await answered;
    this.id = null;
    if (waits) {
      this.onEmpty = () => setImmediate(this.next);
    } else {
      this.next();
    }
  }

  // crash reports an error that nobody caught, and ends the process.
  crash(error, code) {
    const exit = () => process.exit(code);
    if (this.id === null || this.api.waiting !== null) {
      exit(); // no invocation to report it for, or it is being answered
    }
    this.api.fail(this.id, error, exit);
  }
}

function serialize(result) {
  let text;
  try {
    text = JSON.stringify(result === undefined ? null : result);
  } catch (_) {
    throw new Error('Unable to stringify response body');
  }
  return text === undefined ? 'null' : text; // a function or a symbol
}

function contextOf(headers) {
  const deadline = Number(headers['lambda-runtime-deadline-ms']);
  return {
    functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    clientContext: parseHeader(headers['lambda-runtime-client-context'], 'ClientContext'),
    identity: parseHeader(headers['lambda-runtime-cognito-identity'], 'CognitoIdentity'),
    invokedFunctionArn: headers['lambda-runtime-invoked-function-arn'],
    awsRequestId: headers['lambda-runtime-aws-request-id'],
    tenantId: headers['lambda-runtime-aws-tenant-id'],
    getRemainingTimeInMillis: () => deadline - Date.now(),
  };
}

function parseHeader(value, title) {
  if (value === undefined) {
    return undefined;
  }
  try {
    return JSON.parse(value);
  } catch (error) {
    throw new Error(`Cannot parse ${title} as json: ${error.toString()}`);
  }
}

function main() {
  patchConsole();
  const api = new RuntimeApi(process.env.AWS_LAMBDA_RUNTIME_API);
  let runtime = null;
  const crash = (title, error, code) => {
    logError(title, error);
    if (runtime === null) {
      api.failInit(error, () => process.exit(code));
    } else {
      runtime.crash(error, code);
    }
  };
  process.on('uncaughtException', (error) => crash('Uncaught Exception', error, 129));
  process.on('unhandledRejection', (reason) => {
    crash('Unhandled Promise Rejection', Object.assign(new UnhandledPromiseRejection(reason), { reason }), 128);
  });
  process.on('beforeExit', () => {
    const listener = runtime && runtime.onEmpty;
    if (listener) {
      runtime.onEmpty = null;
      listener();
    }
  });
  provideStreaming();
  loadHandler(process.env.LAMBDA_TASK_ROOT || process.cwd(), process.env._HANDLER || '').then(
    (handler) => {
      if (runtimeMajor() >= 24 && handler.length >= 3 && !isStreaming(handler)) {
        throw new CallbackHandlerDeprecated(callbackRemoved);
      }
      runtime = new Runtime(api, handler);
      runtime.next();
    },
  ).catch((error) => crash('Uncaught Exception', error, 129));
}

main();
