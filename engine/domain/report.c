#include "engine/domain/report.h"

const char *const track_status_names[] = {"tentative", "confirmed", "lost"};
const char *const track_class_names[] = {"unknown", "ballistic", "aircraft", "orbital"};
const char *const track_phase_names[] = {"boost", "coast", "reentry", "cruise"};
const char *const retraction_names[] = {"class", "stays_up", "area", "moved"};
