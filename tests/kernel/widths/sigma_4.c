/* Sigma points four lanes at a time. */
#define WK_WIDTH 4
#include "tests/kernel/widths/sigma_body.h"

void sigma_body_4(struct sigma_body *body) { body_run(body); }
