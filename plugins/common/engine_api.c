/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See engine_api.h. libcurl does HTTP; we own every deadline and every word. */
#include "plugins/common/engine_api.h"

#include <curl/curl.h>
#include <errno.h>
#include <string.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define LAST_WORDS_MS 300

struct engine_api {
	struct fettle_ctx *ctx;
	CURL *curl;
	char *host;		/* as configured, for messages */
	char *socket;		/* NULL: TCP */
	char *base;		/* `http://docker` or `http://host:port` */
};

struct reply {
	CURL *curl;
	const struct engine_call *call;
	long status;
	struct text body;
	bool is_too_long, is_enough;
};

struct engine_api *
engine_open(struct fettle_ctx *ctx, struct fault *fault)
{
	AUTO_JSON json_t *compose = json_of(fettle_fact(ctx, "project.compose"));
	const char *given = json_member(compose, "docker_host");
	const char *host = given ? given : "unix:///var/run/docker.sock";
	bool is_unix = text_starts(host, "unix://") && host[7] == '/';

	if (!is_unix && !text_starts(host, "tcp://")) {
		fault_set(fault, FETTLE_WHY_INPUT, "docker_host_invalid",
			  "the Docker engine '%s' is neither unix:///PATH nor "
			  "tcp://HOST:PORT",
			  host);
		fault_remedy(
			fault,
			"set compose.docker_host in fettle.yaml, or "
			"FETTLE_DOCKER_HOST, to the engine's socket, for example "
			"unix:///var/run/docker.sock");
		return NULL;
	}
	struct engine_api *api = calloc(1, sizeof(*api));
	if (!api)
		abort();
	api->ctx = ctx;
	api->host = text_copy(host);
	if (is_unix)
		api->socket = text_copy(host + 7);
	api->base = is_unix ? text_copy("http://docker") :
			      text_format("http://%s", host + 6);
	api->curl = curl_easy_init();
	if (!api->curl)
		abort();
	return api;
}

void
engine_close(struct engine_api *api)
{
	if (!api)
		return;
	curl_easy_cleanup(api->curl);
	free(api->host);
	free(api->socket);
	free(api->base);
	free(api);
}

void
engine_auto_close(struct engine_api **api)
{
	engine_close(*api);
}

char *
engine_escape(const char *text)
{
	char *escaped = curl_easy_escape(NULL, text, 0);
	if (!escaped)
		abort();
	char *copy = text_copy(escaped);

	curl_free(escaped);
	return copy;
}

/* Why the socket does not answer, found by connecting ourselves. */
static int
connect_errno(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(address.sun_path))
		return ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path) + 1);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return errno;
	int why = connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ?
			  errno :
			  0;
	close(fd);
	return why;
}

static int
unreachable(struct engine_api *api, CURLcode code, int64_t limit_ms,
	    struct fault *fault)
{
	char limit[32];
	int why = api->socket && code == CURLE_COULDNT_CONNECT ?
			  connect_errno(api->socket) :
			  0;

	if (code == CURLE_OPERATION_TIMEDOUT) {
		fault_set(fault, FETTLE_WHY_TRANSIENT, "docker_unreachable",
			  "the Docker engine at %s did not answer within %s", api->host,
			  text_ms(limit_ms, limit));
		return fault_remedy(fault,
				    "see whether the engine is overloaded or hangs: "
				    "`docker -H %s info`, then its log",
				    api->host);
	}
	switch (why) {
	case ENOENT:
	case ENOTDIR:
		fault_set(fault, FETTLE_WHY_HOST, "docker_unreachable",
			  "there is no Docker engine at %s: the socket does not exist",
			  api->host);
		return fault_remedy(
			fault,
			"start it (`systemctl start docker`), or say where it is: "
			"compose.docker_host in fettle.yaml, or FETTLE_DOCKER_HOST");
	case EACCES:
	case EPERM:
		fault_set(fault, FETTLE_WHY_HOST, "docker_unreachable",
			  "the Docker engine at %s may not be used: permission denied",
			  api->host);
		return fault_remedy(
			fault, "run Fettle as a user who may use the socket: root, or "
			       "a member of its group (usually `docker`)");
	case ECONNREFUSED:
		fault_set(fault, FETTLE_WHY_HOST, "docker_unreachable",
			  "the Docker engine at %s does not answer: connection refused",
			  api->host);
		return fault_remedy(fault,
				    "the socket is there, but no engine listens: start "
				    "it (`systemctl start docker`)");
	default:
		fault_set(fault, FETTLE_WHY_TRANSIENT, "docker_unreachable",
			  "talking to the Docker engine at %s failed: %s", api->host,
			  why ? strerror(why) : curl_easy_strerror(code));
		return fault_remedy(fault,
				    "see whether the engine is up: `docker -H %s info`",
				    api->host);
	}
}

static bool
is_yes(long status)
{
	return (status >= 200 && status < 300) || status == 304;
}

static size_t
collect(char *bytes, size_t size, size_t n, void *to)
{
	struct reply *reply = to;
	long status = 0;

	curl_easy_getinfo(reply->curl, CURLINFO_RESPONSE_CODE, &status);
	if (reply->call->take && is_yes(status)) {
		reply->is_enough = !reply->call->take(reply->call->to, bytes, size * n);
		return reply->is_enough ? 0 : size * n;
	}
	if (reply->body.len + size * n > ENGINE_REPLY_MAX_BYTES) {
		reply->is_too_long = true;
		return 0;
	}
	text_add_n(&reply->body, bytes, size * n);
	return size * n;
}

/* `body` and `headers` live until the call is over. */
static void
prepare(struct engine_api *api, const struct engine_call *call, const char *body,
	struct curl_slist *headers)
{
	curl_easy_setopt(api->curl, CURLOPT_UNIX_SOCKET_PATH, api->socket);
	curl_easy_setopt(api->curl, CURLOPT_PROXY, "");
	curl_easy_setopt(api->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(api->curl, CURLOPT_WRITEFUNCTION, collect);
	curl_easy_setopt(api->curl, CURLOPT_HTTPHEADER, headers);
	if (strcmp(call->method, "POST") == 0) {
		curl_easy_setopt(api->curl, CURLOPT_POST, 1L);
		curl_easy_setopt(api->curl, CURLOPT_POSTFIELDS, body);
		curl_easy_setopt(api->curl, CURLOPT_POSTFIELDSIZE, (long)strlen(body));
	} else if (strcmp(call->method, "GET") != 0) {
		curl_easy_setopt(api->curl, CURLOPT_CUSTOMREQUEST, call->method);
	}
}

static CURLcode
perform(struct engine_api *api, const struct engine_call *call, int64_t limit_ms,
	struct reply *reply)
{
	AUTO_FREE char *url = text_format("%s%s", api->base, call->path);
	AUTO_FREE char *body =
		call->body ? json_dumps(call->body, JSON_COMPACT) : text_copy("");
	struct curl_slist *headers =
		call->body ? curl_slist_append(NULL, "Content-Type: application/json") :
			     NULL;

	if (!body || (call->body && !headers))
		abort();
	curl_easy_reset(api->curl);
	prepare(api, call, body, headers);
	curl_easy_setopt(api->curl, CURLOPT_URL, url);
	curl_easy_setopt(api->curl, CURLOPT_TIMEOUT_MS, (long)limit_ms);
	curl_easy_setopt(api->curl, CURLOPT_WRITEDATA, reply);
	CURLcode code = curl_easy_perform(api->curl);
	curl_easy_getinfo(api->curl, CURLINFO_RESPONSE_CODE, &reply->status);
	curl_easy_setopt(api->curl, CURLOPT_HTTPHEADER, NULL);
	curl_slist_free_all(headers);
	return code;
}

static int
judge(const struct engine_call *call, const struct reply *reply, struct fault *fault)
{
	if (reply->status == 404)
		return 0;
	if (is_yes(reply->status))
		return 1;
	AUTO_JSON json_t *said = json_of(text_get(&reply->body));
	const char *message = json_member(said, "message");
	return fault_set(
		fault, reply->status >= 500 ? FETTLE_WHY_TRANSIENT : FETTLE_WHY_HOST,
		"docker_error", "the Docker engine refused %s %s: %s (HTTP %ld)",
		call->method, call->path, message ? message : "no reason given",
		reply->status);
}

static int
send_call(struct engine_api *api, const struct engine_call *call, struct reply *reply,
	  struct fault *fault)
{
	int64_t limit_ms = call->limit_ms > 0 ? call->limit_ms : ENGINE_CALL_MS;

	/* So much less than the step has that it can still say what hangs. */
	if (time_left_ms(api->ctx) - LAST_WORDS_MS < limit_ms)
		limit_ms = time_left_ms(api->ctx) - LAST_WORDS_MS;
	if (limit_ms < 1)
		limit_ms = 1;
	reply->curl = api->curl;
	reply->call = call;
	CURLcode code = perform(api, call, limit_ms, reply);
	if (reply->is_too_long)
		return fault_set(fault, FETTLE_WHY_HOST, "docker_error",
				 "the Docker engine's reply to %s %s is above %u MiB",
				 call->method, call->path,
				 ENGINE_REPLY_MAX_BYTES >> 20);
	bool is_over = code == CURLE_OPERATION_TIMEDOUT && call->is_cut &&
		       is_yes(reply->status);
	if (call->is_cut)
		*call->is_cut = is_over;
	if (code != CURLE_OK && !reply->is_enough && !is_over)
		return unreachable(api, code, limit_ms, fault);
	return judge(call, reply, fault);
}

static int
call(struct engine_api *api, const char *method, const char *path, struct reply *reply,
     struct fault *fault)
{
	struct engine_call one = { .method = method, .path = path };

	return send_call(api, &one, reply, fault);
}

/* The reply's JSON where it is wanted. */
static int
read_json(const struct engine_call *call, const struct reply *reply, json_t **ret,
	  struct fault *fault)
{
	*ret = json_of(text_get(&reply->body));
	if (*ret)
		return 1;
	return fault_set(fault, FETTLE_WHY_HOST, "docker_error",
			 "the Docker engine's reply to %s %s is not JSON",
			 call->method, call->path);
}

int
engine_send(struct engine_api *api, const struct engine_call *call, json_t **ret,
	    struct fault *fault)
{
	struct reply reply = { 0 };
	int found = send_call(api, call, &reply, fault);

	if (found == 1 && ret)
		found = read_json(call, &reply, ret, fault);
	text_done(&reply.body);
	return found;
}

int
engine_get(struct engine_api *api, const char *path, json_t **ret, struct fault *fault)
{
	return engine_send(api, &(struct engine_call){ .method = "GET", .path = path },
			   ret, fault);
}

int
engine_post(struct engine_api *api, const char *path, struct fault *fault)
{
	struct reply reply = { 0 };
	int found = call(api, "POST", path, &reply, fault);

	text_done(&reply.body);
	return found;
}

int
engine_delete(struct engine_api *api, const char *path, struct fault *fault)
{
	struct reply reply = { 0 };
	int found = call(api, "DELETE", path, &reply, fault);

	text_done(&reply.body);
	return found;
}

int
engine_ping(struct engine_api *api, struct fault *fault)
{
	struct reply reply = { 0 };
	int found = call(api, "GET", "/_ping", &reply, fault);

	text_done(&reply.body);
	if (found != 0)
		return found < 0 ? -1 : 0;
	return fault_set(fault, FETTLE_WHY_HOST, "docker_unreachable",
			 "what answers at %s is not a Docker engine", api->host);
}

/* One frame: stream, three zero bytes, length big-endian, then the bytes. */
char *
engine_log_text(const char *bytes, size_t n, size_t *ret_len)
{
	struct text out = { 0 };
	const unsigned char *p = (const unsigned char *)bytes;
	size_t left = n;

	text_add(&out, "");
	while (left >= 8 && p[0] <= 2 && p[1] == 0 && p[2] == 0 && p[3] == 0) {
		size_t length = (size_t)p[4] << 24 | (size_t)p[5] << 16 |
				(size_t)p[6] << 8 | p[7];

		if (length > left - 8)
			length = left - 8;
		text_add_n(&out, p + 8, length);
		p += 8 + length;
		left -= 8 + length;
	}
	text_add_n(&out, p, left);	/* a TTY writes no frames */
	*ret_len = out.len;
	return out.s;
}

int
engine_logs(struct engine_api *api, const char *id, int lines, const char *since,
	    char **ret, struct fault *fault)
{
	struct reply reply = { 0 };
	AUTO_FREE char *from = since ? engine_escape(since) : NULL;
	AUTO_FREE char *path =
		text_format("/containers/%s/logs?stdout=1&stderr=1&tail=%d%s%s", id,
			    lines, from ? "&since=" : "", from ? from : "");
	int found = call(api, "GET", path, &reply, fault);

	if (found == 1) {
		size_t n;

		*ret = engine_log_text(text_get(&reply.body), reply.body.len, &n);
		for (size_t i = 0; i < n; i++)
			if ((*ret)[i] == '\0')
				(*ret)[i] = ' ';
	}
	text_done(&reply.body);
	return found;
}

/* One object after the other. What cannot be read might have been the one that counts.
 */
static int
read_events(const char *bytes, size_t n, json_t **ret, struct fault *fault)
{
	AUTO_JSON json_t *events = json_array();
	const char *p = bytes, *end = bytes + n;

	for (;;) {
		json_error_t where;

		while (p < end && strchr(" \t\r\n", *p))
			p++;
		if (p == end)
			break;
		json_t *event = json_loadb(p, (size_t)(end - p), JSON_DISABLE_EOF_CHECK,
					   &where);
		json_array_append_new(events, event);
		if (!json_member(event, "Action") || !json_path_text(event, "Actor.ID"))
			return fault_set(
				fault, FETTLE_WHY_HOST, "docker_error",
				"the Docker engine's events cannot be read, from byte "
				"%zu on",
				(size_t)(p - bytes));
		p += where.position;
	}
	*ret = json_incref(events);
	return 0;
}

int
engine_events(struct engine_api *api, const json_t *labels, double since, double until,
	      json_t **ret, struct fault *fault)
{
	struct reply reply = { 0 };
	AUTO_JSON json_t *filters =
		json_pack("{s:[s], s:O}", "type", "container", "label", labels);
	AUTO_FREE char *text = json_dumps(filters, JSON_COMPACT);
	AUTO_FREE char *escaped = engine_escape(text);
	AUTO_FREE char *path = text_format("/events?since=%.9f&until=%.9f&filters=%s",
					   since, until, escaped);

	int found = call(api, "GET", path, &reply, fault);
	if (found != 1) {
		text_done(&reply.body);
		return found < 0 ? -1 :
				   fault_set(fault, FETTLE_WHY_HOST, "docker_error",
					     "the Docker engine has no events");
	}
	int read = read_events(text_get(&reply.body), reply.body.len, ret, fault);
	text_done(&reply.body);
	return read;
}
