/* weft run: the parts of the server. Two threads: the I/O thread receives, admits, closes frames, journals
 * and emits; the engine thread steps frames (with its team of workers). They meet in a ring of frame slots,
 * each owned by one side at a time. Internal to engine/server. */
#ifndef WEFT_SERVER_H
#define WEFT_SERVER_H

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "engine/base/histogram.h"
#include "engine/base/spin.h"
#include "engine/emit/http_port.h"
#include "engine/emit/latency.h"
#include "engine/emit/line_file.h"
#include "engine/emit/listener.h"
#include "engine/emit/metrics.h"
#include "engine/emit/track_port.h"
#include "engine/engine.h"
#include "engine/ingest/frame_builder.h"
#include "engine/ingest/intake.h"
#include "engine/ingest/recording.h"
#include "engine/ingest/recovery.h"
#include "engine/ingest/sealed_feeds.h"
#include "engine/ingest/wire.h"
#include "engine/journal/journal_writer.h"
#include "engine/platform/io.h"
#include "engine/platform/notify.h"
#include "engine/server/ladder.h"
#include "engine/server/line_room.h"
#include "engine/server/marks_keeper.h"
#include "engine/server/resume.h"
#include "engine/server/snapshots.h"
#include "engine/server/standby_port.h"

enum {
  SERVER_SLOTS = 4,
  SERVER_STREAMS_MAX = 64, /* TCP connections that bring detections */
  SERVER_PARAMETER_BYTES = 4352,
  /* io tags */
  TAG_DETECTIONS = 1,
  TAG_ASTERIX = 2,
  TAG_ENGINE = 3,
  TAG_SIGNAL = 4,
  TAG_STREAM_LISTENER = 5,
  TAG_STREAM = 100,
  TAG_TRACKS = 1000,
  TAG_METRICS = 2000,
  TAG_STANDBY = 3000,
  TOKEN_JOURNAL = 10000
};

enum slot_state { SLOT_FREE, SLOT_CLOSED, SLOT_STEPPED };

/* A frame on its way. FREE and STEPPED belong to the I/O thread, CLOSED to the engine thread. */
struct slot {
  _Atomic int state; /* enum slot_state */
  struct frame frame;
  struct step_output output;
  uint64_t fates[SITE_SENSORS_MAX][FATES]; /* the engine's books after this frame */
  struct tracker_statistics statistics;
  struct warn_statistics warning;
  bool hashed;   /* the engine's state after this frame was hashed, for a standby */
  uint64_t hash;
  int64_t opened_ns, closed_ns; /* receiver's clock when its first entry was admitted, and at closing */
  int64_t closed_clock_ns;      /* clock_monotonic_ns then */
  int64_t begun_clock_ns, stepped_clock_ns; /* the engine thread's */
};

struct stream {
  int fd;      /* -1: free */
  bool paused; /* not watched, since nothing more can be taken */
  struct wire_stream wire;
};

/* What the service manager was told. The I/O thread's. */
struct service {
  struct notify notify;
  int64_t period_ns;     /* between two pings */
  int64_t next_clock_ns; /* clock_monotonic_ns at which the next message is due */
  uint64_t told_emitted; /* frames emitted at the last ping */
  bool ready_due;        /* it could not take READY yet */
  bool failed;           /* said so already */
};

struct server {
  const struct weft_run_options *options;
  struct site *site; /* the engine's */
  struct engine engine;
  struct profile profile;
  struct arena arena;
  struct io *io;
  struct io_batch *batch, *events; /* what was received; what happened while it could not be taken */
  struct ledger *ledger; /* ingest's rows; fates are those of the newest stepped frame */
  struct frame_builder builder;
  struct intake intake;
  struct sealed_feeds feeds;
  struct recovery recovery;
  struct marks_keeper *marks; /* NULL: no sensor has a key */
  bool reload;                /* SIGHUP came: read the key files again */
  struct clock_day clock_day;
  uint64_t asterix_sequence;

  /* frames */
  struct slot *slots;       /* SERVER_SLOTS, used in turn */
  struct line_room lines;   /* of the slots' outputs, from closing to emission */
  uint64_t closed, emitted; /* frames closed and emitted so far */
  uint64_t
      append_waiting;    /* number of the closed frame whose append the journal could not take yet; 0: none */
  int64_t opened_ns;       /* receiver's clock when the open frame's first entry was admitted; 0: empty */
  int64_t open_since_ns;   /* clock_monotonic_ns at the arrival of the open frame's first entry; 0: empty */
  int64_t closed_clock_ns; /* clock_monotonic_ns at the last closing */
  struct ladder ladder;  /* which step of the ladder of degradation the next frame gets */
  int64_t newest_ns;     /* running maximum of measurement time, INT64_MIN before any */
  pthread_t thread;
  bool thread_started;
  sem_t work; /* one per closed frame, and one to end */
  struct spin spin; /* of the engine thread, waiting for it; the I/O thread's is the io's */
  _Atomic bool ending;
  int done_fd; /* eventfd: a frame was stepped */

  /* outputs */
  struct line_file *tracks;
  bool tracks_failed; /* said so already */
  struct track_port *track_port;
  struct http_port *http;
  struct journal_writer *journal;
  const char *journal_directory; /* NULL: no journal */
  int journal_lock;              /* the folder, locked; 0 or less: not */
  struct snapshots *snapshots;   /* NULL: none */
  struct resumed resumed;        /* what this run goes on from */
  struct standby_port *standby;  /* NULL: nobody may stand by */
  struct replay_mark *exact;     /* what was accepted under seal, as the server followed said; then scratch; owned */
  uint32_t exact_count;
  int64_t lost_clock_ns;         /* when the server followed was found gone; 0: none was */
  int64_t stepped_ns;            /* time of the newest stepped frame; the engine thread's */
  char parameters[SERVER_PARAMETER_BYTES]; /* of the journal */
  uint16_t port_detections, port_asterix, port_tracks, port_metrics, port_standby;

  /* inputs over TCP */
  struct listener stream_listener;
  bool has_stream_listener;
  bool full;              /* nothing more can be taken until the engine is done with a frame, or at all: streams pause */
  uint32_t paused_count;  /* of the streams */
  struct stream *streams; /* SERVER_STREAMS_MAX */

  uint64_t receive_failures; /* told by the io, since start */
  struct service service;
  int signal_fd;
  bool stopping; /* a signal came to end by */
  bool hurried;  /* and a second one */
  int64_t started_ns;
  struct metrics_snapshot *snapshot;
  struct latency *latency;
  struct histogram *frame_detections;
  struct metrics_stage stages[3]; /* receive, step, emit */
};

/* server_state.c: the engine's state across runs. Resume (nothing but the folder's lock where another server was followed): before the journal begins; begin: after, with the engine sealed and
 * no thread stepping; end: the run ended in an orderly way. */
int state_resume(struct server *server, struct weft_error *err);
int state_begin(struct server *server, struct weft_error *err);
void state_turn(struct server *server);
void state_end(struct server *server);
void state_close(struct server *server);

/* server_standby.c. Follow: as --follow says, until it is time to take over: then the engine has the other server's state, and
 * what is opened next opens with it; server->stopping: a signal came before. Open: for those that follow this one. */
int standby_follow(struct server *server, struct weft_error *err);
int standby_open(struct server *server, struct weft_error *err);
void standby_frame(struct server *server, const struct frame *frame); /* it was closed */
void standby_emitted(struct server *server, const struct slot *slot); /* its lines leave */
bool standby_lets(const struct server *server, const struct slot *slot); /* may they? */
void standby_close(struct server *server);

/* server_frames.c. Memory: the slots and their lines; then the engine is sealed. Open: its thread begins. */
size_t frames_bytes(const struct server *server);
int frames_memory(struct server *server, struct weft_error *err);
int frames_open(struct server *server, struct weft_error *err);
void frames_close(struct server *server);
/* The engine thread's part: steps the frame that was closed as number `ordinal`, from 0. They are stepped one after the
 * other. False where it is not closed yet. A simulation calls it in the thread's place. */
bool frames_step(struct server *server, uint64_t ordinal);
/* The engine thread said that it has stepped frames: takes that in, so that it is not told again. */
void frames_woken(struct server *server);
/* Puts emitted slots back, in order; emits what is stepped and appended. */
void frames_emit(struct server *server);
/* Closes the open frame if it is time; `force`: even if it is young or empty and the engine busy, waiting for
 * a slot. */
void frames_turn(struct server *server, bool force);
/* Steps and emits everything, waiting for the engine. */
void frames_finish(struct server *server);
/* The journal's marks as they are now, into the ledger. */
void frames_journal_marks(struct server *server);
/* Is the engine behind by all slots, or all room for lines, so that closing the open frame would have to wait? */
bool frames_crowded(const struct server *server);
/* Nanoseconds until frames_turn has something to do; 0: at once. */
int64_t frames_wait_ns(const struct server *server);
/* To be called after entries that arrived at `arrival_ns`, receiver's clock, were admitted. */
void frames_opened(struct server *server, int64_t arrival_ns);

/* server_keys.c */
size_t keys_bytes(const struct site *site);
int keys_open(struct server *server, struct weft_error *err);
void keys_turn(struct server *server);
void keys_close(struct server *server);

/* server.c. Takes a pending signal; true if it is one to end by. */
bool server_signal_taken(struct server *server);
/* Waits for what happens beside detections and serves it: readers, pages, the engine's word, the journal's completions, a standby. What
 * detections come meanwhile stay where they are. A second signal to end by ends the process. */
void server_events_serve(struct server *server, int64_t timeout_ns);
/* What the sockets have dropped so far, into the ledger. */
void server_drops_note(struct server *server);

/* server_inputs.c */
int inputs_open(struct server *server, struct weft_error *err);
void inputs_close(struct server *server);
void inputs_datagram(struct server *server, const struct io_datagram *datagram);
/* True if the event was one of theirs. */
bool inputs_event(struct server *server, const struct io_event *event);
/* There is room again: streams that paused go on. */
void inputs_turn(struct server *server);

/* server_service.c: nothing where no service manager asked. */
void service_open(struct server *server);
/* Inputs and outputs are open: everything received from now on is fused. */
void service_ready(struct server *server);
/* The key files are about to be read again; service_ready ends it. */
void service_reloading(struct server *server);
void service_stopping(struct server *server);
/* Pings if it is time and frames came out since the last ping. */
void service_turn(struct server *server);
void service_close(struct server *server);

/* server_pages.c */
/* What is wrong, NULL where nothing is. */
const char *pages_unhealthy(const struct server *server);
size_t pages_body(void *context, enum http_page page, char *body, size_t size, bool *healthy);

#endif
