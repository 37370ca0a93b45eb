/* Sigma points one lane at a time. */
#define WK_WIDTH 1
#include "tests/kernel/widths/sigma_body.h"

void sigma_body_1(struct sigma_body *body) { body_run(body); }
