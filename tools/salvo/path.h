/* A target's motion as a chain of quintic pieces: position, velocity and acceleration agree with the integrator at every
 * knot, so that looking a state up is cheap and as good as integrating. ECEF, seconds since the scenario's start. */
#ifndef WEFT_SALVO_PATH_H
#define WEFT_SALVO_PATH_H

#include <stdbool.h>
#include <stddef.h>

struct path_piece {
  double begin_s, length_s;
  double c[3][6]; /* x, y, z: coefficients of (t - begin) / length, rising */
};

/* Owned by its target; zero-initialised is empty. */
struct path {
  struct path_piece *pieces;
  size_t count, capacity;
};

struct state {
  double r[3], v[3]; /* m, m/s */
};

/* Adds the piece from `begin_s` over `length_s` > 0 that has the given states and accelerations at its ends. Aborts when
 * memory is out. */
void path_append(struct path *path, double begin_s, double length_s, const struct state *from, const double from_a[3],
                 const struct state *to, const double to_a[3]);
void path_free(struct path *path);

double path_begin_s(const struct path *path);
double path_end_s(const struct path *path);
/* False outside the path's time. */
bool path_at(const struct path *path, double time_s, struct state *state);
void piece_at(const struct path_piece *piece, double time_s, struct state *state);

#endif
