/* Bytes as a truth file of the scorer, as they come and below a header that is right: refused with a word, or
 * read to points in order, whose states can be asked for at any time. */
// length: 192
// links: tools/score/*.c
#include "tests/fuzz/fuzz_file.h"
#include "tests/fuzz/fuzz_input.h"
#include "tools/score/score_truth.h"

enum { TEXT_MAX = 8192 };
static const char *const heads[] = {
    "",
    ("time_ns,target,class,phase,x_m,y_m,z_m,vx_mps,vy_mps,vz_mps,"
     "impact_lat_deg,impact_lon_deg,impact_time_ns\n"),
    "target,time_ns,class,phase,x_m,y_m,z_m,vx_mps,vy_mps,vz_mps\n",
    "time_ns,sensor,kind,truth\n", /* of detections */
};
static const char truth_text[] =
    "time_ns,target,class,phase,x_m,y_m,z_m,vx_mps,vy_mps,vz_mps\n"
    "1000,a,ballistic,boost,6378137,0,0,1,2,3\n2000,a,ballistic,coast,6478137,0,0,1,2,3\n"
    "1500,b,aircraft,cruise,6388137,0,0,100,0,0\n";

static void states_check(const struct truth *truth) {
  for (size_t t = 0; t < truth->names.count; t++) {
    const struct truth_target *target = &truth->target[t];
    const struct truth_point *point = truth->point + target->first;
    weft_assert(target->count > 0 && target->first + target->count <= truth->point_count);
    for (size_t p = 0; p < target->count; p++) {
      weft_assert(p == 0 || point[p - 1].time_ns < point[p].time_ns);
      weft_assert(point[p].target == t && point[p].class < CLASS_COUNT && point[p].phase < PHASE_COUNT);
      weft_assert(point[p].time_ns >= truth->first_ns && point[p].time_ns <= truth->last_ns);
      struct truth_state state;
      weft_assert(truth_at(truth, t, point[p].time_ns, &state));
      (void)truth_at(truth, t, point[p].time_ns / 2 + point[target->count - 1].time_ns / 2, &state);
    }
    struct truth_state state;
    (void)truth_hold(truth, t, truth->last_ns, &state);
  }
}

static void detections_check(const struct truth *truth) {
  weft_assert(truth->detections_clutter + truth->detections_unknown <= truth->detections);
  for (size_t t = 0; t < truth->names.count; t++) {
    const struct truth_target *target = &truth->target[t];
    weft_assert(target->due_ns >= target->detected_ns);
    weft_assert(target->detected_ns == INT64_MAX || target->detected_ns <= target->unseen_ns);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct fuzz_file file, detections;
  static char text[TEXT_MAX];
  struct input in = {data, size};
  const char *head = heads[input_u8(&in) % (sizeof heads / sizeof heads[0])];
  size_t used = strlen(head), length = in.left < TEXT_MAX - used ? in.left : TEXT_MAX - used;
  bool second = strstr(head, "truth") != NULL;
  memcpy(text, head, used);
  input_take(&in, text + used, length);
  struct truth truth;
  struct weft_error err = {""};
  const char *path = second ? fuzz_file_write(&file, truth_text, strlen(truth_text))
                            : fuzz_file_write(&file, text, used + length);
  int rc = truth_read(&truth, path, &err);
  weft_assert(rc == 0 || (err.text[0] != 0 && !second));
  if (rc == 0) states_check(&truth);
  if (rc == 0 && second) {
    rc = truth_detections_read(&truth, fuzz_file_write(&detections, text, used + length), 2, &err);
    weft_assert(rc == 0 || err.text[0] != 0);
    if (rc == 0) detections_check(&truth);
  }
  truth_free(&truth);
  return 0;
}
