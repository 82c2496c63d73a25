/* C on librabbitmq, on lgsp's own topology: acknowledgements, one multiple ack for at most 16 deliveries;
 * with the mode `confirms` also mandatory and confirms on the requests. As near to the broker's limit as a client gets. */
#include <amqp.h>
#include <amqp_tcp_socket.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CHANNEL = 1, PREFETCH = 256, ACK_EVERY = 16, IN_FLIGHT_AT_MOST = 4096 };

static amqp_connection_state_t connection;
static const char *name;
static int services;
static int confirms;
static amqp_bytes_t payload;

static void stop(const char *why) {
    fprintf(stderr, "librabbitmq: %s\n", why);
    exit(1);
}

static void check(const char *what) {
    if (amqp_get_rpc_reply(connection).reply_type != AMQP_RESPONSE_NORMAL) stop(what);
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static amqp_bytes_t read_file(const char *directory, const char *file) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", directory, file);
    FILE *in = fopen(path, "rb");
    if (!in) stop("the payload is missing");
    amqp_bytes_t bytes = amqp_bytes_malloc(65536);
    bytes.len = fread(bytes.bytes, 1, 65536, in);
    fclose(in);
    return bytes;
}

static void open_connection(char *url) {
    struct amqp_connection_info info;
    amqp_default_connection_info(&info);
    if (amqp_parse_url(url, &info) != AMQP_STATUS_OK) stop("the address does not parse");
    connection = amqp_new_connection();
    amqp_socket_t *socket = amqp_tcp_socket_new(connection);
    if (!socket || amqp_socket_open(socket, info.host, info.port)) stop("no broker answers");
    amqp_rpc_reply_t in = amqp_login(connection, info.vhost, 0, 131072, 0, AMQP_SASL_METHOD_PLAIN, info.user, info.password);
    if (in.reply_type != AMQP_RESPONSE_NORMAL) stop("the broker does not let us in");
    amqp_channel_open(connection, CHANNEL);
    check("no channel");
}

static void publish(const char *exchange, amqp_bytes_t key, amqp_bytes_t id, amqp_bytes_t reply_to) {
    amqp_basic_properties_t properties = {0};
    properties._flags = AMQP_BASIC_CORRELATION_ID_FLAG | AMQP_BASIC_CONTENT_TYPE_FLAG;
    properties.correlation_id = id;
    properties.content_type = amqp_cstring_bytes("application/json");
    if (reply_to.len) {
        properties._flags |= AMQP_BASIC_REPLY_TO_FLAG;
        properties.reply_to = reply_to;
    }
    int mandatory = confirms && reply_to.len;
    if (amqp_basic_publish(connection, CHANNEL, amqp_cstring_bytes(exchange), key, mandatory, 0, &properties, payload))
        stop("a publish failed");
}

/* The next delivery with its content; 0 where the frame was a confirm. Anything else ends the program. */
static int delivery(uint64_t *tag, char *id, amqp_bytes_t *reply_to, char *reply_buffer, size_t *size) {
    amqp_frame_t frame;
    if (amqp_simple_wait_frame(connection, &frame) != AMQP_STATUS_OK) stop("the connection was lost");
    if (frame.frame_type != AMQP_FRAME_METHOD) stop("a frame out of order");
    if (frame.payload.method.id == AMQP_BASIC_ACK_METHOD) return 0;
    if (frame.payload.method.id != AMQP_BASIC_DELIVER_METHOD) stop("a message was returned or refused");
    *tag = ((amqp_basic_deliver_t *)frame.payload.method.decoded)->delivery_tag;
    if (amqp_simple_wait_frame(connection, &frame) != AMQP_STATUS_OK) stop("the connection was lost");
    amqp_basic_properties_t *properties = frame.payload.properties.decoded;
    size_t length = properties->correlation_id.len < 31 ? properties->correlation_id.len : 31;
    memcpy(id, properties->correlation_id.bytes, length);
    id[length] = 0;
    if (reply_to && (properties->_flags & AMQP_BASIC_REPLY_TO_FLAG) && properties->reply_to.len < 256) {
        memcpy(reply_buffer, properties->reply_to.bytes, properties->reply_to.len);
        *reply_to = (amqp_bytes_t){properties->reply_to.len, reply_buffer};
    }
    size_t left = (size_t)frame.payload.properties.body_size;
    *size = left;
    while (left > 0) {
        if (amqp_simple_wait_frame(connection, &frame) != AMQP_STATUS_OK) stop("the connection was lost");
        left -= frame.payload.body_fragment.len;
    }
    return 1;
}

static void answer(void) {
    amqp_basic_qos(connection, CHANNEL, 0, PREFETCH, 0);
    check("no prefetch");
    for (int n = 0; n < services; n++) {
        char queue[256];
        snprintf(queue, sizeof queue, "q.sync.%s-%d", name, n);
        amqp_basic_consume(connection, CHANNEL, amqp_cstring_bytes(queue), amqp_empty_bytes, 0, 0, 0, amqp_empty_table);
        check("the queue is missing");
    }
    printf("ready\n");
    fflush(stdout);
    uint64_t tag = 0;
    for (int unacked = 0;;) {
        char id[32], buffer[256];
        amqp_bytes_t reply_to = {0, buffer};
        size_t size;
        amqp_maybe_release_buffers(connection);
        if (!delivery(&tag, id, &reply_to, buffer, &size)) continue;
        publish("lgsp.reply", reply_to, amqp_cstring_bytes(id), amqp_empty_bytes);
        /* What is still in the buffer will be answered at once: its ack can carry this one. */
        if (++unacked >= ACK_EVERY || !(amqp_frames_enqueued(connection) || amqp_data_in_buffer(connection))) {
            amqp_basic_ack(connection, CHANNEL, tag, 1);
            unacked = 0;
        }
    }
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void run(int in_flight, double warmup, double seconds, size_t expected) {
    static double started[IN_FLIGHT_AT_MOST];
    static long turn;
    size_t capacity = 1 << 20, found = 0;
    double *latencies = malloc(capacity * sizeof *latencies);
    if (!latencies) stop("no memory");
    double begin = now() + warmup, end = begin + seconds;
    long transactions = 0, failed = 0;
    int waiting = 0;
    for (int sent = 0;;) {
        double t = now();
        int slot = sent;
        if (sent < in_flight) {
            sent++; /* the first ones go out without waiting for an answer */
        } else {
            uint64_t tag;
            char id[32];
            size_t size;
            if (waiting == 0) break;
            amqp_maybe_release_buffers(connection);
            if (!delivery(&tag, id, NULL, NULL, &size)) continue;
            t = now();
            slot = atoi(id);
            waiting--;
            transactions++;
            if (size != expected) failed++;
            if (t >= begin && t <= end) {
                if (found == capacity) latencies = realloc(latencies, (capacity *= 2) * sizeof *latencies);
                if (!latencies) stop("no memory");
                latencies[found++] = t - started[slot];
            }
            if (t >= end) continue;
        }
        char key[256], id[32];
        snprintf(key, sizeof key, "%s-%ld", name, ++turn % services);
        snprintf(id, sizeof id, "%d", slot);
        started[slot] = t;
        publish("lgsp.req", amqp_cstring_bytes(key), amqp_cstring_bytes(id), amqp_cstring_bytes(name));
        waiting++;
    }
    qsort(latencies, found, sizeof *latencies, by_size);
    printf("{\"per_second\": %.1f, \"p50_ms\": %.4f, \"p99_ms\": %.4f, \"transactions\": %ld, \"failed\": %ld, \"error\": \"%s\"}\n",
           (double)found / seconds, found ? latencies[found / 2] * 1e3 : 0, found ? latencies[found * 99 / 100] * 1e3 : 0,
           transactions, failed, failed ? "a reply of another size" : "");
    fflush(stdout);
    free(latencies);
}

static void ask(size_t expected) {
    char queue[256];
    snprintf(queue, sizeof queue, "q.reply.%s", name);
    amqp_queue_declare(connection, CHANNEL, amqp_cstring_bytes(queue), 0, 1, 0, 0, amqp_empty_table);
    check("no reply queue");
    amqp_queue_bind(connection, CHANNEL, amqp_cstring_bytes(queue), amqp_cstring_bytes("lgsp.reply"),
                    amqp_cstring_bytes(name), amqp_empty_table);
    check("no binding");
    if (confirms) {
        amqp_confirm_select(connection, CHANNEL);
        check("no confirms");
    }
    amqp_basic_consume(connection, CHANNEL, amqp_cstring_bytes(queue), amqp_empty_bytes, 0, 1, 0, amqp_empty_table);
    check("no consumer");
    printf("ready\n");
    fflush(stdout);
    int in_flight;
    double warmup, seconds;
    while (scanf("%d %lf %lf", &in_flight, &warmup, &seconds) == 3) {
        if (in_flight < 1 || in_flight > IN_FLIGHT_AT_MOST) stop("too many in flight");
        run(in_flight, warmup, seconds, expected);
    }
}

int main(int count, char **words) {
    if (count < 6) stop("ROLE URL NAME SERVICES DIRECTORY [confirms]");
    name = words[3];
    services = atoi(words[4]);
    confirms = count > 6 && !strcmp(words[6], "confirms");
    open_connection(words[2]);
    amqp_bytes_t request = read_file(words[5], "request.json"), reply = read_file(words[5], "reply.json");
    int asking = !strcmp(words[1], "ask");
    payload = asking ? request : reply;
    if (asking)
        ask(reply.len);
    else
        answer();
    return 0;
}
