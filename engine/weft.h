/* libweft: the public interface. Everything else under engine/ is internal.
 *
 * weft fuses raw detections of many sensors into one set of missile tracks. It watches and warns.
 *
 * Functions return 0, or a negative errno with `err` telling a person what was wrong, where, and what to do;
 * `err` may be NULL. Nothing here may be called from two threads at once on the same object. */
#ifndef WEFT_H
#define WEFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "engine/base/error.h"

/* Version of the library, "MAJOR.MINOR.PATCH". */
const char *weft_version(void);

/* Whole commands, as the program `weft` offers them. */

enum weft_io { WEFT_IO_AUTO, WEFT_IO_URING, WEFT_IO_PLAIN };

struct weft_run_options {
  const char *config_path;
  const char *profile_path;      /* hardware profile (weft_tune); NULL: none */
  const char *tracks_path;       /* NULL: none; `-` is stdout */
  const char *journal_directory; /* NULL: as the configuration says */
  double duration_s;             /* 0: until SIGINT or SIGTERM */
  uint32_t workers;              /* 0: what the profile or the machine says */
  uint32_t tracks_max;           /* 0: default */
  enum weft_io io;
  const char *follow; /* HOST:PORT of another server's listen.standby: follow it, take over when it is gone; NULL: no */
  FILE *out; /* the ready line, and at the end the ledger */
};
/* The server. Returns when a signal came, the duration is over, or it could not start. */
int weft_run(const struct weft_run_options *options, struct weft_error *err);

struct weft_fuse_options {
  const char *config_path;
  const char *profile_path;  /* hardware profile; NULL: none */
  const char *tracks_path;   /* `-` is stdout */
  const char *date;          /* YYYY-MM-DD for ASTERIX times of day, or NULL */
  const char *const *inputs; /* `-` is stdin */
  uint32_t input_count;
  uint32_t workers;
  uint32_t tracks_max;
  FILE *ledger; /* where the ledger line goes; NULL: nowhere */
  void (*progress)(void *context,
                   double fraction); /* NULL: none; fraction below 0 where the size is unknown */
  void *context;
};
/* Recordings in, a track file out. */
int weft_fuse(const struct weft_fuse_options *options, struct weft_error *err);

struct weft_replay_options {
  const char *journal_path;
  const char *profile_path; /* hardware profile; NULL: none */
  const char *tracks_path; /* NULL: none */
  const char *to;          /* HOST:PORT; NULL: none */
  double speed;            /* 1 = as recorded; 0 = as fast as it goes */
  uint64_t until;          /* the last frame that is played; 0: all */
  uint32_t workers;
  uint32_t tracks_max;
  FILE *ledger;
  void (*progress)(void *context, double fraction);
  void *context;
};
/* A journal through the engine, or its datagrams onto the wire. */
int weft_replay(const struct weft_replay_options *options, struct weft_error *err);

struct weft_repair_options {
  const char *journal_path;                 /* its folder */
  uint32_t parity_segments, parity_files;   /* make so many parity files over every so many segments; 0: none */
  FILE *out;                                /* one JSON line for each file rebuilt or lost, and a summary */
};
/* Rebuilds a journal's lost and damaged segments from its parity files. */
int weft_repair(const struct weft_repair_options *options, struct weft_error *err);

/* A hardware profile: which settings of the engine suit a machine. Results never depend on it. */
enum weft_tune_level {
  WEFT_TUNE_ESTIMATE, /* from topology and CPU alone */
  WEFT_TUNE_MEASURE,  /* some ten seconds */
  WEFT_TUNE_PATIENT   /* a minute or two */
};
struct weft_tune_options {
  enum weft_tune_level level;
  const char *out_path; /* `-` is stdout */
  const char *topology; /* a machine described as hwloc's synthetic topologies are, estimated only; NULL: this one */
  void (*progress)(void *context, double fraction);
  void *context;
};
int weft_tune(const struct weft_tune_options *options, struct weft_error *err);
/* How this host is set up and what would be better, a line for each thing, to `out`. Changes nothing. `root`: the folder that /proc
 * and /sys are in, NULL: /. */
int weft_host_check(const char *root, FILE *out, struct weft_error *err);

/* Any file weft reads or writes, as JSON lines on `out`. `config_path` may be NULL. */
int weft_inspect(const char *path, const char *config_path, const char *date, FILE *out,
                 struct weft_error *err);

/* Validates a configuration; on success writes one line that sums it up to `out`. */
int weft_check(const char *config_path, FILE *out, struct weft_error *err);

/* Sending detections: for generators and sensor adapters. */

/* Kinds and validity bits as on the wire (docs/wire-format.md). */
enum weft_kind { WEFT_RADAR = 1, WEFT_RADAR2D = 2, WEFT_LOS = 3, WEFT_POSITION = 4 };
enum weft_valid {
  WEFT_HAS_RANGE = 1,
  WEFT_HAS_AZIMUTH = 2,
  WEFT_HAS_ELEVATION = 4,
  WEFT_HAS_RANGE_RATE = 8,
  WEFT_HAS_HEIGHT = 16,
  WEFT_HAS_XYZ = 32,
  WEFT_HAS_SNR = 64,
  WEFT_HAS_SIGMAS = 128
};

struct weft_detection {
  int64_t time_ns; /* Unix UTC */
  uint16_t kind;   /* enum weft_kind */
  uint16_t valid;  /* enum weft_valid */
  float snr_db;
  double measure[4]; /* radar: range m, azimuth rad, elevation rad, range rate m/s; radar2d: range, azimuth,
                        height m; los: -, azimuth, elevation; position: x, y, z m (ECEF) */
  float sigma[4];    /* of the four above; 0 = the sensor's own */
};

struct weft_sensor_state {
  int64_t time_ns;
  double position_m[3];   /* ECEF */
  double velocity_mps[3]; /* ECEF; all zero = unknown */
  uint32_t status;        /* 0 up, 1 degraded, 2 down */
};

enum { WEFT_DATAGRAM_MAX = 65507, WEFT_FLAG_EXERCISE = 1 };

/* Writes one unsealed datagram, wire version 1. Returns its size in bytes, or 0 where it does not fit
 * `capacity` or a kind is not one of the four. */
size_t weft_datagram_detections(uint8_t *out, size_t capacity, uint32_t sensor_id, uint16_t flags,
                                uint64_t sequence, int64_t sent_ns, const struct weft_detection *detections,
                                uint32_t count);
size_t weft_datagram_states(uint8_t *out, size_t capacity, uint32_t sensor_id, uint16_t flags,
                            uint64_t sequence, int64_t sent_ns, const struct weft_sensor_state *states,
                            uint32_t count);

/* Sealing (docs/wire-format.md): the key with the newest epoch in a sensor's key file. A pair of key and sequence number
 * must never seal two different datagrams: a sender that does not know which numbers it has used takes a new epoch, or
 * numbers by its clock. */
struct weft_seal;
int weft_seal_open(const char *key_path, struct weft_seal **seal, struct weft_error *err);
uint16_t weft_seal_epoch(const struct weft_seal *seal);
/* Seals a datagram in place, 16 bytes longer. Returns its new size, or 0 where `capacity` is too small for it. */
size_t weft_seal_datagram(const struct weft_seal *seal, uint8_t *datagram, size_t size, size_t capacity);
void weft_seal_close(struct weft_seal *seal); /* wipes the key */

/* Parity over groups of k datagrams of one sensor, consecutive and as sent (sealed where they are), all of one key epoch: of
 * k + m any m may be lost. Memory: about (k + 1) x 64 KiB. */
struct weft_parity;
int weft_parity_open(uint32_t k, uint32_t m, struct weft_parity **parity, struct weft_error *err);
/* Takes the next datagram. 0, or 1 when the group is full: send its parity before the next datagram. -EMSGSIZE: longer than
 * WEFT_PROTECTED_MAX bytes, so that its parity would fit no datagram; it can't be part of a group. */
enum { WEFT_PROTECTED_MAX = 65400 };
int weft_parity_put(struct weft_parity *parity, const uint8_t *datagram, size_t size);
/* Datagrams in the group so far. */
uint32_t weft_parity_count(const struct weft_parity *parity);
/* Writes parity datagram `index` (0 to m - 1) of the group, which may also end before it is full; unsealed: seal it like any
 * other. Returns its size, or 0 where it does not fit or the group is empty. */
size_t weft_parity_datagram(struct weft_parity *parity, uint32_t index, uint8_t *out, size_t capacity, uint32_t sensor_id,
                            uint16_t flags, uint64_t sequence, int64_t sent_ns);
/* Begins the next group. */
void weft_parity_next(struct weft_parity *parity);
void weft_parity_close(struct weft_parity *parity);

/* Makes a sensor's key: in a new file, or with `append` as the next epoch of an existing one. *epoch: which. */
int weft_key_make(const char *path, bool append, uint16_t *epoch, struct weft_error *err);

/* A connected UDP socket that coalesces datagrams where the kernel can (UDP_SEGMENT). */
struct weft_sender;
int weft_sender_open(const char *host, uint16_t port, struct weft_sender **sender, struct weft_error *err);
int weft_sender_put(struct weft_sender *sender, const void *datagram, size_t size); /* queued, copied */
int weft_sender_flush(struct weft_sender *sender);
void weft_sender_close(struct weft_sender *sender);

/* A journal as `weft run --journal` would have written it, from detections in order of arrival. `config_text`
 * becomes the journal's own configuration. Frames close as in `weft fuse`. */
struct weft_recorder;
int weft_recorder_open(const char *directory, const char *config_text, size_t config_size,
                       struct weft_recorder **recorder, struct weft_error *err);
int weft_recorder_put(struct weft_recorder *recorder, uint32_t sensor_id,
                      const struct weft_detection *detection, struct weft_error *err);
int weft_recorder_state(struct weft_recorder *recorder, uint32_t sensor_id,
                        const struct weft_sensor_state *state, struct weft_error *err);
int weft_recorder_close(struct weft_recorder *recorder, struct weft_error *err);

/* The engine inside another program. */

/* What a track line says (docs/formats.md); ECEF, SI. */
struct weft_track {
  int64_t time_ns;
  uint64_t track;
  int status; /* 0 tentative, 1 confirmed, 2 lost */
  int class_; /* 0 unknown, 1 ballistic, 2 aircraft, 3 orbital */
  int phase;  /* 0 boost, 1 coast, 2 re-entry, 3 cruise, -1 does not apply */
  double position_m[3], velocity_mps[3];
  double covariance[21]; /* upper triangle by rows */
  double existence;
  double phase_probability[3];
  uint64_t detections;
};

struct weft_engine;
/* An engine that takes detections in order of arrival and judges age by measurement time, as `weft fuse`
 * does. `on_track` is called for every line, in order, from within weft_engine_put, _flush and _close. */
int weft_engine_open(const char *config_text, size_t config_size, uint32_t workers,
                     void (*on_track)(void *context, const struct weft_track *track), void *context,
                     struct weft_engine **engine, struct weft_error *err);
/* 0: accepted; 1: refused and counted. */
int weft_engine_put(struct weft_engine *engine, uint32_t sensor_id, const struct weft_detection *detection);
/* Closes the open frame, whatever its age. */
void weft_engine_flush(struct weft_engine *engine);
/* The ledger as one JSON line. Returns its length, 0 where it does not fit. */
size_t weft_engine_ledger(struct weft_engine *engine, char *line, size_t size);
void weft_engine_close(struct weft_engine *engine);

#endif
