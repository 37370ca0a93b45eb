// The rivals are compiled once per instruction set: NAMED(eigen_imm) is eigen_imm_v3 in one object and eigen_imm_v4 in the other.
#ifndef BENCH_EIGEN_VARIANT_HPP
#define BENCH_EIGEN_VARIANT_HPP

#define PASTE2(a, b) a##_##b
#define PASTE(a, b) PASTE2(a, b)
#define NAMED(name) PASTE(name, BENCH_VARIANT)

#endif
