/* The ledger as one JSON line: what a run prints to stdout at its end. */
#ifndef WEFT_EMIT_LEDGER_JSON_H
#define WEFT_EMIT_LEDGER_JSON_H

#include <stddef.h>

#include "engine/domain/ledger.h"
#include "engine/domain/site.h"

/* Largest ledger line for this site, bytes. */
size_t ledger_json_max(const struct site *site);
/* The ledger (settled, with the site's sensor count) as one JSON line with its newline:
 *   {"ledger":{"sensors":[{"sensor":101,"name":"..","datagrams":{"received":..,"accepted":..,"refused":{13 reasons}},
 *    "detections":{"received","accepted","refused":{..},"associated","started","clutter","late","shed","in_flight"},
 *    "states","sequence_gaps","restarts","skipped":{8 reasons}},...],"total":{the same without sensor and name},
 *    "kernel_drops":..,"unjournaled":..},"balanced":true}
 * The last entry of sensors has "sensor":"unknown". Every key is always there. Returns its length, 0 when `size` is too
 * small. */
size_t ledger_json_write(char *line, size_t size, const struct ledger *ledger, const struct site *site);

#endif
