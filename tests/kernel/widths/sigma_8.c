/* Sigma points eight lanes at a time; only called where the CPU has AVX-512. */
#define WK_WIDTH 8
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512vl,avx512bw"))), apply_to = function)
#else
#pragma GCC target("avx512f,avx512dq,avx512vl,avx512bw")
#endif
#include "tests/kernel/widths/sigma_body.h"

void sigma_body_8(struct sigma_body *body) { body_run(body); }
#if defined(__clang__)
#pragma clang attribute pop
#endif
