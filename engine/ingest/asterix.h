/* ASTERIX category 048 (edition 1.32, reserved expansion field 1.13) and 034 (edition 1.29): blocks to records, every
 * item with its proper length so that what follows it is found, and the fields that weft uses.
 *
 * A block is CAT, LEN (2 bytes, big-endian, itself included), then records. A record that cannot be decoded ends its
 * block, because nothing says where the next one begins; the next block is read as usual. */
#ifndef WEFT_INGEST_ASTERIX_H
#define WEFT_INGEST_ASTERIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/domain/detection.h"
#include "engine/domain/ledger.h"
#include "engine/domain/site.h"

enum { ASTERIX_PLOTS = 48, ASTERIX_SERVICE = 34, ASTERIX_HEAD_SIZE = 3, ASTERIX_BLOCK_MAX = 65535 };
#define ASTERIX_TIME_NONE UINT32_MAX
#define ASTERIX_DAY (86400u * 128u) /* time of day counts 1/128 s */
#define ASTERIX_RADAR_UNKNOWN UINT32_MAX

/* One block within someone else's bytes. */
struct asterix_block {
  uint8_t category;
  uint32_t size;       /* with its 3 bytes of head */
  const uint8_t *data; /* its first byte */
};

/* What a category 048 record says; `has_` flags tell which items it carried. */
struct asterix_plot {
  uint8_t sac, sic;
  uint32_t time_of_day;  /* 1/128 s, or ASTERIX_TIME_NONE; not checked against 24 h here */
  bool has_source, has_descriptor, has_position, has_level, has_height_3d, has_mode3a, has_address, has_track, has_doppler;
  uint8_t type;          /* I048/020 TYP: 0 no detection, 1 PSR, 2 SSR, 3 SSR + PSR, 4..7 Mode S */
  bool simulated, test, field_monitor, special_position, extended_range; /* SIM, TST, RAB, SPI, ERR */
  bool chain_2;          /* RDP */
  double range_m;        /* slant range: I048/040 RHO, or the reserved expansion field's ERR where ERR is flagged */
  bool range_saturated;  /* ERR is flagged but the expansion field has no range: RHO is only a lower bound */
  double azimuth_rad;    /* 0..2 pi, clockwise from north */
  bool level_valid;      /* I048/090: validated and not garbled */
  double level_m;        /* flight level x 100 ft, signed */
  double height_3d_m;    /* I048/110, signed, above mean sea level */
  uint16_t mode3a;       /* 12 bits */
  uint16_t track;        /* I048/161, the radar's own tracker */
  double doppler_mps;    /* I048/120 calculated, valid only; its sign is the radar's own convention: not used */
  uint32_t address;      /* Mode S, 24 bits. For comparison by people only; it never reaches a detection. */
};

/* What a category 034 record says. */
struct asterix_service {
  uint8_t sac, sic;
  uint32_t time_of_day;  /* as above */
  bool has_source, has_sector, has_rotation, has_position;
  uint8_t message;       /* I034/000: 1 north marker, 2 sector crossing ... */
  double sector_deg;     /* I034/020 */
  double rotation_s;     /* I034/041, antenna period */
  double height_m, lat_deg, lon_deg; /* I034/120, WGS-84 */
};

struct asterix_record {
  uint8_t category;      /* ASTERIX_PLOTS or ASTERIX_SERVICE */
  const uint8_t *data;   /* its bytes from the FSPEC on, within the block */
  uint32_t size;
  union {
    struct asterix_plot plot;
    struct asterix_service service;
  };
};

enum asterix_status {
  ASTERIX_OK,
  ASTERIX_END,        /* nothing left */
  ASTERIX_MALFORMED,  /* block: LEN below 3 or beyond the bytes there are; record: its items overrun the block, an item
                         that the category does not have, a length of 0 */
  ASTERIX_OTHER       /* record only: a category that weft does not read; to be counted and skipped */
};

/* The block at data + *offset, which is moved behind it. After ASTERIX_MALFORMED nothing more can be found in these
 * bytes. */
enum asterix_status asterix_block_next(const uint8_t *data, size_t size, size_t *offset, struct asterix_block *out);

/* The record at *offset (from the block's first byte; begin with ASTERIX_HEAD_SIZE), which is moved behind it; on
 * ASTERIX_MALFORMED and ASTERIX_OTHER to the end of the block. At most one record per 2 bytes of a block. */
enum asterix_status asterix_record_next(const struct asterix_block *block, uint32_t *offset, struct asterix_record *out);

/* The category 048 and 034 decoders themselves: read one record at data, set *used. ASTERIX_OK or ASTERIX_MALFORMED. */
enum asterix_status asterix_plot_decode(const uint8_t *data, size_t size, struct asterix_plot *out, uint32_t *used);
enum asterix_status asterix_service_decode(const uint8_t *data, size_t size, struct asterix_service *out, uint32_t *used);

/* Index of the sensor with this SAC/SIC in its configuration, or ASTERIX_RADAR_UNKNOWN. */
uint32_t asterix_radar_find(const struct site *site, uint8_t sac, uint8_t sic);
/* The same for a decoded record, which may lack its source: unknown then. */
uint32_t asterix_record_radar(const struct site *site, const struct asterix_record *record);

/* What a plot is good for. Where several hold, TEST comes first, then in this order, SIMULATED last. */
enum asterix_use {
  ASTERIX_USE_PLOT,          /* *out is a detection */
  ASTERIX_USE_SIMULATED,     /* SIM, and none of the below: *out is a detection, of exercise data */
  ASTERIX_USE_TEST,          /* TST */
  ASTERIX_USE_FIELD_MONITOR, /* RAB */
  ASTERIX_USE_NO_DETECTION,  /* TYP 0, or no descriptor */
  ASTERIX_USE_NO_POSITION,   /* no measured position, or a range that its field could not hold (see range_saturated) */
  ASTERIX_USE_NO_TIME,       /* no time of day, or one of 24 h and more: malformed */
  ASTERIX_USE_OUT_OF_RANGE   /* detection_check refused it: range above 1e8 m */
};
/* Makes a radar2d detection of a plot of the radar `sensor` (index) at `time_ns` (see clock_day.h). Height: a valid flight
 * level, because all radars that see the aircraft report the same one, to 25 ft; else the radar's own 3-D height; each
 * taken as height above the ellipsoid (interfaces.md section 3); else none. Sigmas are left to the configuration;
 * sequence, index and arrival to the caller. */
enum asterix_use asterix_plot_detection(const struct asterix_plot *plot, uint32_t sensor, int64_t time_ns,
                                        struct detection *out);

/* Recent records of one radar: recognises byte-identical repeats among the last ASTERIX_WINDOW. Zeroed = empty.
 * Records are known by a 64-bit hash of their bytes. About 12 KiB. */
enum { ASTERIX_WINDOW = 1024 };
struct asterix_window {
  uint64_t count;                     /* records entered so far */
  uint64_t hash[ASTERIX_WINDOW];      /* ring, entry number % ASTERIX_WINDOW */
  uint16_t next[ASTERIX_WINDOW];      /* chain of a bucket: slot + 1, 0 ends */
  uint16_t head[ASTERIX_WINDOW];      /* newest slot + 1 of the bucket */
};
/* True when a record of these bytes is among the last ASTERIX_WINDOW distinct ones; enters it otherwise. */
bool asterix_window_repeat(struct asterix_window *window, const uint8_t *record, uint32_t size);

#endif
