/* The world around a simulated server: its network, disk, clock, engine thread, readers and senders, all
 * drawn from one seed and moved on only inside io_receive, where the server waits. The server itself is the
 * real one, `weft_run`; the calls by which it reaches the machine are taken over at link time
 * (world_calls.c). */
#ifndef WEFT_TESTS_WORLD_H
#define WEFT_TESTS_WORLD_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "engine/base/check.h"
#include "engine/base/prng.h"
#include "engine/server/server.h"

/* What can go wrong. Each is counted where it happens, not where it is planned. */
enum mark {
  MARK_DATAGRAM_LOST,
  MARK_DATAGRAM_DUPLICATED,
  MARK_DATAGRAM_REORDERED,
  MARK_DATAGRAM_DELAYED,
  MARK_DATAGRAM_CORRUPTED,
  MARK_QUEUE_OVERFLOWED,
  MARK_CLOCK_FORWARD,
  MARK_CLOCK_BACK,
  MARK_CLOCK_DRIFT,
  MARK_READER_SLOW,
  MARK_READER_STUCK,
  MARK_READER_GONE,
  MARK_DISK_FULL,
  MARK_DISK_ERROR,
  MARK_DISK_SLOW,
  MARK_APPEND_SHORT,
  MARK_SYNC_FAILED,
  MARK_WRITE_TORN,
  MARK_WRITE_MISDIRECTED,
  MARK_WRITE_LOST,
  MARK_POWER_FAILED,
  MARK_SEGMENT_REFUSED,
  MARK_ALLOCATION_FAILED,
  MARK_DESCRIPTOR_REFUSED,
  MARK_WORKER_STALLED,
  MARK_COMPLETION_OVERFLOW,
  MARK_RECEIVE_ENOBUFS,
  MARK_APPEND_EBUSY,
  MARK_VALUE_NAN,
  MARK_VALUE_INFINITE,
  MARK_VALUE_DENORMAL,
  MARK_VALUE_EXTREME,
  MARK_STATE_GARBAGE,
  MARK_SEALED_GARBAGE,
  MARK_SEALED_REPLAYED,
  MARK_BYTES_GARBAGE,
  MARK_STREAM_CUT,
  MARK_STREAM_BROKEN,
  MARK_SENSOR_FLOODS,
  MARK_OVERLOADED,
  MARK_OVERLOAD_FALLS,
  MARKS
};
extern const char *const mark_names[MARKS];

/* Fields of a detection and of a sensor state, and the kinds of bad value that each is given. */
enum { FIELDS_DETECTION = 12, FIELDS_STATE = 8, FIELDS = FIELDS_DETECTION + FIELDS_STATE, VALUES = 4 };
extern const char *const field_names[FIELDS];

/* Summed over seeds, also over processes. */
struct marks {
  uint64_t times[MARKS];
  uint64_t seeds[MARKS]; /* in which it happened at all */
  uint64_t fields[FIELDS][VALUES];
  uint64_t runs, refused; /* servers that ran to their end, that did not start */
  uint64_t frames, detections, reports, replayed;
  uint64_t resumed, from_snapshot; /* states gone on with after the run; of these, from a snapshot */
};

/* The sensor with a small budget, and what floods it. */
enum { OVERLOAD_DATAGRAMS = 20 }; /* of an honest sensor at once, again and again */
enum { SENSOR_BOUND = 5, BOUND_PER_S = 100, BOUND_DEPTH = WIRE_ENTRIES_MAX, FLOOD_TIMES = 100, FLOOD_ENTRIES_MAX = 40 };

enum {
  WORLD_TRACKS_MAX = 64, /* of the server */
  WORLD_FRAMES_MAX = 1 << 15,
  WORLD_TURNS_MAX = 1 << 16,
  WORLD_DRAIN_TURNS_MAX = 1 << 19,
  WORLD_STREAMS_MAX = 64,
  WORLD_FDS_MAX = 512
};

/* What was seen of a frame when it was stepped; replay is held against it. */
struct frame_note {
  uint64_t number, content, lines;
};

enum fd_kind { FD_FREE, FD_PLAIN, FD_LISTENER, FD_STREAM, FD_CLOSED };
struct world_fd {
  enum fd_kind kind;
  bool raised; /* an eventfd that was written to */
  int pending; /* a listener's newest connection, -1: none */
  struct stream_pair *pair;
};

enum client_kind { CLIENT_READER, CLIENT_PAGE, CLIENT_SENDER };
enum { PAIR_BYTES = 1 << 16 };
/* A simulated TCP connection, both directions, with the behaviour of its far end. */
struct stream_pair {
  bool used;
  int fd; /* the server's end */
  enum client_kind kind;
  bool accepted, server_closed, client_closed;
  uint32_t room;          /* what the kernel takes from the server before it says EAGAIN */
  uint32_t read_max;      /* bytes the far end reads a turn; 0: none, ever */
  int64_t leaves_ns;      /* when it goes, without a word */
  uint8_t in[PAIR_BYTES]; /* to the server */
  uint32_t in_size;
  uint8_t out[PAIR_BYTES]; /* from the server */
  uint32_t out_size;
  char line[1 << 14]; /* the beginning of a line, as the far end has read it */
  uint32_t line_size;
  uint64_t lines;
  uint32_t script_sent; /* of a sender */
  uint32_t script_size;
  uint8_t script[1 << 14];
};

struct world {
  uint64_t seed;
  struct prng prng;
  bool opening; /* weft_run has not received yet */
  int inside;   /* in the simulation's own code: its allocations are not the server's */
  int fail_in;  /* the allocation or descriptor that fails while opening; 0: none */
  bool fail_descriptors;
  uint64_t allocations; /* of the server since the world was last left */
  char failure[512];    /* the first violation */
  uint64_t times[MARKS];
  uint64_t fields[FIELDS][VALUES];

  /* machine */
  struct io io; /* the table that the server sees */
  struct io *sim;
  struct server *server;       /* NULL before the engine thread would begin and after the books are closed */
  int64_t start_ns, offset_ns; /* simulated start; the server's clock less the true one, steps alone */
  double drift;
  int64_t duration_ns;
  uint32_t turns;
  struct world_fd fds[WORLD_FDS_MAX];
  struct stream_pair *pairs; /* WORLD_STREAMS_MAX */
  int listeners[3];          /* descriptors: detections, tracks, metrics; -1 */
  int listener_count;
  uint64_t socket_count;

  /* plan */
  struct io_sim_faults network;
  struct io_sim_disk_faults disk;
  double p_stall, p_overflow, p_enobufs, p_busy, p_value, p_garbage, p_seal, p_state, p_open;
  int64_t power_fails_ns, disk_slow_ns;
  int64_t flood_from_ns, flood_until_ns; /* by SENSOR_BOUND */
  int64_t overload_from_ns, overload_until_ns; /* more comes than the engine can do: */
  int64_t overload_cost_ns;                    /* what it then takes for a detection */
  bool readers;
  int clock_steps; /* still to come */
  int64_t clock_due_ns;

  /* engine thread */
  uint64_t stepped;
  int64_t stepped_ns[SERVER_SLOTS]; /* when */
  int64_t step_due_ns;              /* 0: nothing under way */
  int64_t step_began_ns;            /* the clock that the server reads next shows this; 0: the time that it is */
  uint32_t overload_step;           /* of the newest frame */
  int64_t overflow_until_ns;
  struct io_event held[IO_OPERATION_MAX];
  uint32_t held_count;

  /* disk */
  char names[64][64]; /* of segment files, by order of opening */
  int files[64];
  bool removed[64];
  uint32_t file_count;
  bool power_failed;
  struct surviving {
    uint8_t *data;
    uint64_t size;
  } survivors[64]; /* what the disk held when the power failed */

  /* notes */
  struct frame_note *notes; /* WORLD_FRAMES_MAX */
  uint64_t note_count;
  int64_t frame_ns; /* of the newest frame */
  uint64_t reports, detections;
  uint64_t udp_taken, tcp_expected; /* datagrams that the server was given */
  bool books_seen;
  struct journal_marks journal; /* at the end */
  struct journal_marks durable; /* when the power failed */
  bool journal_settled;         /* nothing was in flight at the end */
  uint64_t replayed_frame, replayed_hash; /* the newest frame that was replayed without a gap before it, the state after it */
  bool replayed_whole;                    /* and there was none behind it */
  bool resumed, from_snapshot;
  uint64_t digest;              /* of everything that could be seen from outside */
  struct ledger books;

  /* traffic */
  int64_t traffic_due_ns, clients_due_ns;
  uint64_t sequence[8];
  double target[4][6]; /* ECEF states */
  int64_t target_ns;
  uint8_t sealed_last[512];
  uint32_t sealed_last_size;
  uint8_t datagram[WIRE_DATAGRAM_MAX];
};

extern struct world world;

/* Remembers the first violation only. */
void world_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
void world_mark(enum mark mark);
bool chance(double probability);
double uniform(double low, double high);
int64_t world_now_ns(void);   /* true time */
int64_t world_clock_ns(void); /* what the server's clock shows */

/* Runs a server through the life that `seed` draws, then replays its journal. False: world.failure says why.
 */
bool world_run(uint64_t seed, const char *folder, struct marks *marks);

/* Is it a time in which more comes than can be done? */
bool overloaded(int64_t now_ns);
/* Steps what is closed, once its time has come. */
void worker_turn(int64_t now_ns);

/* world_traffic.c */
void traffic_begin(void);
void traffic_turn(int64_t now_ns);
uint32_t traffic_make(uint32_t sensor, uint8_t *out, uint32_t capacity); /* an honest datagram */

/* world_clients.c */
void clients_turn(int64_t now_ns);
void pair_levels(struct stream_pair *pair);

/* world_check.c */
void step_check(const struct slot *slot);
void books_check(const struct ledger *ledger);
void journal_check(const char *folder);
/* world_resume.c: a server started again on what the disk holds has the state that a replay of it has. */
void resume_check(const char *journal, uint64_t run, bool lied);
uint64_t digest_add(uint64_t digest, const void *data, size_t size);

#endif
