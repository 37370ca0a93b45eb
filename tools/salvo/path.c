#include "tools/salvo/path.h"

#include <stdlib.h>

#include "engine/base/check.h"

void path_append(struct path *path, double begin_s, double length_s, const struct state *from, const double from_a[3],
                 const struct state *to, const double to_a[3]) {
  if (path->count == path->capacity) {
    path->capacity = path->capacity ? path->capacity * 2 : 64;
    path->pieces = realloc(path->pieces, path->capacity * sizeof *path->pieces);
    weft_assert(path->pieces);
  }
  struct path_piece *piece = &path->pieces[path->count++];
  piece->begin_s = begin_s;
  piece->length_s = length_s;
  for (int i = 0; i < 3; i++) {
    double h = length_s, *c = piece->c[i];
    double v0 = from->v[i] * h, a0 = from_a[i] * h * h / 2, v1 = to->v[i] * h, a1 = to_a[i] * h * h / 2;
    double d = to->r[i] - from->r[i] - v0 - a0, e = v1 - v0 - 2 * a0, f = a1 - a0;
    c[0] = from->r[i];
    c[1] = v0;
    c[2] = a0;
    c[3] = 10 * d - 4 * e + f;
    c[4] = -15 * d + 7 * e - 2 * f;
    c[5] = 6 * d - 3 * e + f;
  }
}

void path_free(struct path *path) {
  free(path->pieces);
  *path = (struct path){0};
}

double path_begin_s(const struct path *path) {
  return path->count ? path->pieces[0].begin_s : 0;
}

double path_end_s(const struct path *path) {
  if (path->count == 0) return 0;
  const struct path_piece *last = &path->pieces[path->count - 1];
  return last->begin_s + last->length_s;
}

void piece_at(const struct path_piece *piece, double time_s, struct state *state) {
  double s = (time_s - piece->begin_s) / piece->length_s;
  for (int i = 0; i < 3; i++) {
    const double *c = piece->c[i];
    state->r[i] = c[0] + s * (c[1] + s * (c[2] + s * (c[3] + s * (c[4] + s * c[5]))));
    state->v[i] = (c[1] + s * (2 * c[2] + s * (3 * c[3] + s * (4 * c[4] + s * 5 * c[5])))) / piece->length_s;
  }
}

bool path_at(const struct path *path, double time_s, struct state *state) {
  if (path->count == 0 || time_s < path_begin_s(path) || time_s > path_end_s(path)) return false;
  size_t low = 0, high = path->count - 1;
  while (low < high) {
    size_t middle = (low + high + 1) / 2;
    if (path->pieces[middle].begin_s <= time_s)
      low = middle;
    else
      high = middle - 1;
  }
  piece_at(&path->pieces[low], time_s, state);
  return true;
}
