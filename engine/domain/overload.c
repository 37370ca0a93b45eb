#include "engine/domain/overload.h"

uint32_t overload_keeps(uint32_t step) {
  static const uint8_t keeps[OVERLOAD_MOST + 1] = {16, 16, 12, 8, 6, 4, 3, 2, 1};
  return keeps[step < OVERLOAD_MOST ? step : OVERLOAD_MOST];
}

uint32_t overload_kept(uint32_t detections, uint32_t step) {
  uint32_t kept = (detections * overload_keeps(step) + OVERLOAD_WHOLE - 1) / OVERLOAD_WHOLE;
  if (detections <= OVERLOAD_FREE) return detections;
  return kept > OVERLOAD_FREE ? kept : OVERLOAD_FREE;
}
