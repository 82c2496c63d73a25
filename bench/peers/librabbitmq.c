/* Request and reply over RabbitMQ with librabbitmq: the floor that a client without a runtime reaches.
 *
 *   librabbitmq serve PORT VHOST QUEUE                 answers until it is killed, acknowledging each request
 *   librabbitmq ask   PORT VHOST QUEUE INFLIGHT SECONDS prints {"count":..,"seconds":..,"p50":..,"p99":..}
 *
 * Build: cc -O2 -o librabbitmq librabbitmq.c -lrabbitmq
 */
#include <amqp.h>
#include <amqp_tcp_socket.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BODY 300
#define MOST 4096
#define SAMPLES 4000000

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static amqp_connection_state_t connect_to(int port, const char *vhost) {
    amqp_connection_state_t connection = amqp_new_connection();
    amqp_socket_t *socket = amqp_tcp_socket_new(connection);
    if (!socket || amqp_socket_open(socket, "127.0.0.1", port)) {
        fprintf(stderr, "no broker at 127.0.0.1:%d\n", port);
        exit(3);
    }
    amqp_rpc_reply_t login =
        amqp_login(connection, vhost, 0, 131072, 0, AMQP_SASL_METHOD_PLAIN, "bench", "bench");
    amqp_channel_open(connection, 1);
    if (login.reply_type != AMQP_RESPONSE_NORMAL || amqp_get_rpc_reply(connection).reply_type != AMQP_RESPONSE_NORMAL) {
        fprintf(stderr, "login as bench on vhost %s refused\n", vhost);
        exit(3);
    }
    return connection;
}

static int serve(amqp_connection_state_t connection, const char *queue) {
    amqp_queue_declare(connection, 1, amqp_cstring_bytes(queue), 0, 0, 0, 1, amqp_empty_table);
    amqp_basic_qos(connection, 1, 0, 512, 0);
    amqp_basic_consume(connection, 1, amqp_cstring_bytes(queue), amqp_empty_bytes, 0, 0, 0, amqp_empty_table);
    printf("ready\n");
    fflush(stdout);
    for (;;) {
        amqp_envelope_t envelope;
        amqp_maybe_release_buffers(connection);
        if (amqp_consume_message(connection, &envelope, NULL, 0).reply_type != AMQP_RESPONSE_NORMAL) return 1;
        amqp_basic_properties_t properties;
        memset(&properties, 0, sizeof properties);
        properties._flags = AMQP_BASIC_CORRELATION_ID_FLAG;
        properties.correlation_id = envelope.message.properties.correlation_id;
        amqp_basic_publish(connection, 1, amqp_empty_bytes, envelope.message.properties.reply_to, 0, 0, &properties,
                           envelope.message.body);
        amqp_basic_ack(connection, 1, envelope.delivery_tag, 0);
        amqp_destroy_envelope(&envelope);
    }
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double sent_at[MOST];
static double took[SAMPLES];

static void publish(amqp_connection_state_t connection, const char *queue, amqp_bytes_t reply_to, int slot) {
    static char body[BODY];
    char id[16];
    amqp_basic_properties_t properties;
    memset(&properties, 0, sizeof properties);
    snprintf(id, sizeof id, "%d", slot);
    properties._flags = AMQP_BASIC_CORRELATION_ID_FLAG | AMQP_BASIC_REPLY_TO_FLAG;
    properties.correlation_id = amqp_cstring_bytes(id);
    properties.reply_to = reply_to;
    sent_at[slot] = now();
    amqp_basic_publish(connection, 1, amqp_empty_bytes, amqp_cstring_bytes(queue), 0, 0, &properties,
                       (amqp_bytes_t){BODY, body});
}

static int ask(amqp_connection_state_t connection, const char *queue, int in_flight, double seconds) {
    amqp_queue_declare_ok_t *own =
        amqp_queue_declare(connection, 1, amqp_empty_bytes, 0, 0, 1, 1, amqp_empty_table);
    amqp_bytes_t reply_to = amqp_bytes_malloc_dup(own->queue);
    amqp_basic_consume(connection, 1, reply_to, amqp_empty_bytes, 0, 1, 1, amqp_empty_table);
    for (int slot = 0; slot < in_flight; slot++) publish(connection, queue, reply_to, slot);
    double begin = now() + 0.3, end = begin + seconds, at = 0; /* the first 0.3 s are not counted */
    long count = 0;
    while ((at = now()) < end) {
        amqp_envelope_t envelope;
        amqp_maybe_release_buffers(connection);
        if (amqp_consume_message(connection, &envelope, NULL, 0).reply_type != AMQP_RESPONSE_NORMAL) return 1;
        char id[16] = {0};
        amqp_bytes_t given = envelope.message.properties.correlation_id;
        memcpy(id, given.bytes, given.len < sizeof id - 1 ? given.len : sizeof id - 1);
        int slot = atoi(id);
        amqp_destroy_envelope(&envelope);
        at = now();
        if (at >= begin && count < SAMPLES) took[count++] = at - sent_at[slot];
        publish(connection, queue, reply_to, slot);
    }
    qsort(took, count, sizeof *took, by_value);
    printf("{\"count\":%ld,\"seconds\":%.6f,\"p50\":%.9f,\"p99\":%.9f}\n", count, at - begin, took[count / 2],
           took[count - 1 - count / 100]);
    return 0;
}

int main(int argc, char **argv) {
    if (argc < 5) {
        fprintf(stderr, "usage: librabbitmq serve|ask PORT VHOST QUEUE [INFLIGHT SECONDS]\n");
        return 2;
    }
    amqp_connection_state_t connection = connect_to(atoi(argv[2]), argv[3]);
    if (!strcmp(argv[1], "serve")) return serve(connection, argv[4]);
    if (argc < 7 || atoi(argv[5]) < 1 || atoi(argv[5]) > MOST) return 2;
    return ask(connection, argv[4], atoi(argv[5]), atof(argv[6]));
}
