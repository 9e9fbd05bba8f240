/* The limit: the same work with librabbitmq, in C. Prints JSON; times are in seconds.
 *
 *   limit version
 *   limit codec FILE                    lines of "name hex": to encode and decode each frame
 *   limit stream HEX SIZE CHUNK         SIZE bytes of this unit, read in chunks
 *   limit open_close HOST PORT COUNT    each
 *   limit first_channel HOST PORT
 *   limit publish HOST PORT QUEUE COUNT SIZE
 *   limit consume HOST PORT QUEUE COUNT ACK
 */
#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_tcp_socket.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FRAME_MAX 131072
#define ENOUGH_S 0.02 /* for one loop over a frame */

typedef amqp_connection_state_t connection_t;

static double seconds(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return now.tv_sec + now.tv_nsec / 1e9;
}

static double cpu_s(void) { return seconds(CLOCK_PROCESS_CPUTIME_ID); }
static double wall_s(void) { return seconds(CLOCK_MONOTONIC); }

static void check(int is_fine, const char *what) {
  if (!is_fine) {
    fprintf(stderr, "%s failed\n", what);
    exit(1);
  }
}

static void check_reply(amqp_rpc_reply_t reply, const char *what) {
  check(reply.reply_type == AMQP_RESPONSE_NORMAL, what);
}

static void print_window(double cpu, double wall, int count) {
  printf("{\"cpu\": %.12f, \"wall\": %.12f}\n", (cpu_s() - cpu) / count, (wall_s() - wall) / count);
}

static size_t from_hex(const char *hex, unsigned char *bytes, size_t room) {
  size_t length = strlen(hex) / 2;
  check(length <= room, "reading bytes");
  for (size_t at = 0; at < length; at++) sscanf(hex + 2 * at, "%2hhx", &bytes[at]);
  return length;
}

/* ---- codec ---------------------------------------------------------------------------------- */

typedef struct {
  int is_header;      /* a content header, not a method */
  uint32_t index;     /* class << 16 | method */
  amqp_bytes_t input; /* what is after the index, or after a header's body size */
  unsigned char output[FRAME_MAX];
  amqp_pool_t pool;
  void *decoded;
} frame_t;

static uint32_t u32(const unsigned char *bytes) {
  return (uint32_t)bytes[0] << 24 | bytes[1] << 16 | bytes[2] << 8 | bytes[3];
}

static void decode(frame_t *frame) {
  int status = frame->is_header ? amqp_decode_properties(frame->index >> 16, &frame->pool,
                                                         frame->input, &frame->decoded)
                                : amqp_decode_method(frame->index, &frame->pool, frame->input,
                                                     &frame->decoded);
  check(status == AMQP_STATUS_OK, "decoding");
}

static void decode_and_forget(frame_t *frame) {
  decode(frame);
  recycle_amqp_pool(&frame->pool);
}

/* The frame's own seven bytes and its end are part of the work. */
static void encode(frame_t *frame) {
  int before = frame->is_header ? 12 : 4;
  unsigned char *out = frame->output, *payload = out + 7;
  amqp_bytes_t room = {FRAME_MAX - 7 - before - 1, payload + before};
  int length = frame->is_header ? amqp_encode_properties(frame->index >> 16, frame->decoded, room)
                                : amqp_encode_method(frame->index, frame->decoded, room);
  check(length >= 0, "encoding");
  uint32_t size = __builtin_bswap32(before + length), index = __builtin_bswap32(frame->index);
  out[0] = frame->is_header ? 2 : 1, out[1] = 0, out[2] = 1;
  memcpy(out + 3, &size, 4);
  memcpy(payload, &index, 4);
  if (frame->is_header) memset(payload + 4, 0, 8);
  payload[before + length] = 0xCE;
}

static double time_of(void (*work)(frame_t *), frame_t *frame) {
  for (long loops = 1000;; loops *= 4) {
    double began = cpu_s();
    for (long at = 0; at < loops; at++) work(frame);
    double taken = cpu_s() - began;
    if (taken >= ENOUGH_S) return taken / loops;
  }
}

static void codec(char **of) {
  static char name[64], hex[8192];
  static unsigned char bytes[4096];
  static frame_t frame;
  const char *before = "{";
  FILE *lines = fopen(of[0], "r");
  check(lines != NULL, "opening the file of frames");
  while (fscanf(lines, "%63s %8191s", name, hex) == 2) {
    size_t length = from_hex(hex, bytes, sizeof bytes);
    frame.is_header = bytes[0] == 2;
    size_t skipped = 7 + (frame.is_header ? 12 : 4);
    frame.index = u32(bytes + 7);
    frame.input = (amqp_bytes_t){length - skipped - 1, bytes + skipped};
    init_amqp_pool(&frame.pool, 4096);
    printf("%s\"decode %s\": %.12f", before, name, time_of(decode_and_forget, &frame));
    decode(&frame);
    printf(", \"encode %s\": %.12f", name, time_of(encode, &frame));
    empty_amqp_pool(&frame.pool);
    before = ", ";
  }
  fclose(lines);
  printf("}\n");
}

/* ---- stream --------------------------------------------------------------------------------- */

/* It can be tuned when it has read something: here a server that answers with a protocol header. */
static connection_t tuned(void) {
  connection_t connection = amqp_new_connection();
  amqp_frame_t frame;
  amqp_bytes_t header = {8, "AMQP\0\0\x09\x01"};
  check(amqp_handle_input(connection, header, &frame) == 8, "reading a protocol header");
  check(amqp_tune_connection(connection, 0, FRAME_MAX, 0) == AMQP_STATUS_OK, "tuning");
  return connection;
}

static void stream(char **of) {
  static unsigned char unit[4096];
  size_t length = from_hex(of[0], unit, sizeof unit), chunk = atol(of[2]), frames = 0;
  size_t size = atol(of[1]) / length * length;
  unsigned char *bytes = malloc(size);
  for (size_t at = 0; at < size; at += length) memcpy(bytes + at, unit, length);
  connection_t connection = tuned();
  double began = cpu_s();
  for (size_t from = 0; from < size; from += chunk) {
    amqp_bytes_t input = {from + chunk < size ? chunk : size - from, bytes + from};
    while (input.len > 0) {
      amqp_frame_t frame;
      int used = amqp_handle_input(connection, input, &frame);
      check(used > 0, "reading the stream");
      frames += frame.frame_type != 0;
      input.bytes = (unsigned char *)input.bytes + used;
      input.len -= used;
      amqp_maybe_release_buffers(connection);
    }
  }
  printf("{\"seconds\": %.12f, \"frames\": %zu}\n", cpu_s() - began, frames);
}

/* ---- connections ---------------------------------------------------------------------------- */

static connection_t open_connection(char **place) {
  connection_t connection = amqp_new_connection();
  amqp_socket_t *socket = amqp_tcp_socket_new(connection);
  check(socket && amqp_socket_open(socket, place[0], atoi(place[1])) == AMQP_STATUS_OK,
        "connecting");
  check_reply(amqp_login(connection, "/", 2047, FRAME_MAX, 60, AMQP_SASL_METHOD_PLAIN, "guest",
                         "guest"),
              "login");
  return connection;
}

static void open_channel(connection_t connection) {
  amqp_channel_open(connection, 1);
  check_reply(amqp_get_rpc_reply(connection), "channel.open");
}

static void close_connection(connection_t connection) {
  check_reply(amqp_connection_close(connection, AMQP_REPLY_SUCCESS), "connection.close");
  check(amqp_destroy_connection(connection) == AMQP_STATUS_OK, "ending the connection");
}

static void open_close(char **of) {
  int count = atoi(of[2]);
  close_connection(open_connection(of));
  double cpu = cpu_s(), wall = wall_s();
  for (int at = 0; at < count; at++) close_connection(open_connection(of));
  print_window(cpu, wall, count);
}

static void first_channel(char **of) {
  double began = wall_s();
  connection_t connection = open_connection(of);
  double opened = wall_s();
  open_channel(connection);
  printf("{\"connection\": %.9f, \"channel\": %.9f}\n", opened - began, wall_s() - began);
  close_connection(connection);
}

/* ---- messages ------------------------------------------------------------------------------- */

static connection_t open_with_channel(char **place) {
  connection_t connection = open_connection(place);
  open_channel(connection);
  return connection;
}

static void declare_passive(connection_t connection, amqp_bytes_t queue) {
  amqp_queue_declare(connection, 1, queue, 1, 0, 0, 0, amqp_empty_table);
  check_reply(amqp_get_rpc_reply(connection), "queue.declare");
}

static void publish(char **of) {
  connection_t connection = open_with_channel(of);
  amqp_bytes_t queue = amqp_cstring_bytes(of[2]);
  int count = atoi(of[3]);
  size_t size = atol(of[4]);
  amqp_bytes_t body = amqp_bytes_malloc(size);
  memset(body.bytes, 'x', size);
  double cpu = cpu_s(), wall = wall_s();
  for (int at = 0; at < count; at++)
    check(amqp_basic_publish(connection, 1, amqp_empty_bytes, queue, 0, 0, NULL, body) ==
              AMQP_STATUS_OK,
          "basic.publish");
  declare_passive(connection, queue);
  print_window(cpu, wall, count);
  close_connection(connection);
}

static void consume(char **of) {
  connection_t connection = open_with_channel(of);
  amqp_bytes_t queue = amqp_cstring_bytes(of[2]);
  int count = atoi(of[3]), ack = atoi(of[4]);
  double cpu = cpu_s(), wall = wall_s();
  amqp_basic_consume(connection, 1, queue, amqp_empty_bytes, 0, !ack, 0, amqp_empty_table);
  check_reply(amqp_get_rpc_reply(connection), "basic.consume");
  for (int at = 0; at < count; at++) {
    amqp_envelope_t envelope;
    amqp_maybe_release_buffers(connection);
    check_reply(amqp_consume_message(connection, &envelope, NULL, 0), "reading a message");
    if (ack) amqp_basic_ack(connection, 1, envelope.delivery_tag, 0);
    amqp_destroy_envelope(&envelope);
  }
  declare_passive(connection, queue);
  print_window(cpu, wall, count);
  close_connection(connection);
}

static void version(char **of) {
  (void)of;
  printf("\"%s\"\n", amqp_version());
}

static const struct {
  const char *name;
  int arguments;
  void (*work)(char **of);
} WORKS[] = {
    {"version", 0, version},       {"codec", 1, codec},     {"stream", 3, stream},
    {"open_close", 3, open_close}, {"publish", 5, publish}, {"consume", 5, consume},
    {"first_channel", 2, first_channel},
};

int main(int count, char **arguments) {
  for (size_t at = 0; count > 1 && at < sizeof WORKS / sizeof *WORKS; at++)
    if (!strcmp(arguments[1], WORKS[at].name) && count == WORKS[at].arguments + 2) {
      WORKS[at].work(arguments + 2);
      return 0;
    }
  check(0, "reading the command line");
}
