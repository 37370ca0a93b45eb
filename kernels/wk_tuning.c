#include "kernels/wk.h"

/* Each figure is argued in docs/maths.md (M20); tests/kernel/filter.c holds them to what they promise. */
struct wk_tuning wk_tuning_default(void) {
  return (struct wk_tuning){
      /* Thrust over mass grows by up to 1 m/s^3 as fuel burns and turns with the flight path by as much: 3 m/s^3 over a
       * second leaves room for both. A tenfold figure sees burn-out no sooner, since the boost mode then follows it. */
      .boost_jerk_psd = 10.0,
      /* Long against the update interval, so that the force is nearly constant, and short against an hour of coast, so
       * that an unobserved force is forgotten: stationary sigma sqrt(10 * 60 / 2) = 17 m/s^2. */
      .boost_force_tau_s = 60.0,
      /* Gravity beyond J2 (up to 3e-4 m/s^2, wandering over minutes) and nothing else. */
      .coast_accel_psd = 1e-5,
      /* A body on the way up or down through thin air is braked by something between nothing and twice the drag of
       * the reference body. */
      .coast_drag_fraction = 1.0,
      /* Lift, winds and wobble of a falling body, about 1 m/s^2 over a second. */
      .reentry_accel_psd = 1.0,
      /* The ballistic coefficient drifts by 10 percent over a second as flow and attitude change. */
      .reentry_drag_psd = 0.01,
      /* An airliner's speed in cruise strays by 3 m/s in 10 s. This and the next three were chosen on the recording
       * 068test_bds30.gps (no break) and on 1,000 generated aircraft (fewest breaks and switches). */
      .cv_accel_psd = 1.0,
      .ct_accel_psd = 5.0,
      /* Rolling into a standard turn (3 degrees/s) takes some 25 s of random walk; the acceleration noise bridges it. */
      .ct_turn_psd = 1e-4,
      /* Air traffic keeps its level better than its speed, but climbs begin and end. */
      .vertical_fraction = 0.5,
      /* Burns last a minute, but a rate of 1/60 sees burn-out 1.5 s later: the coast mode then starts from too small a
       * weight. At 1/10 it would be seen 1 s sooner still, but one look in seven of a steady burn would favour coast. */
      .boost_end_rate = 0.05,
      /* One burn begins in a thousand seconds of free flight. Less weight on it costs truth where it matters: at 2e-5 the
       * real flight with three burns had a NEES of 15 per degree of freedom in them, at 1e-3 4; what coasting tracks pay
       * for the watch is 5 % of their NEES. */
      .boost_begin_rate = 1e-3,
      /* The environment decides within 5 s between coast and re-entry; one in forty is misjudged. */
      .settle_rate = 0.2,
      .stray_rate = 0.005,
      .reentry_altitude_m = 80e3,
      /* Straight legs of a minute, turns of half a minute. */
      .turn_begin_rate = 1.0 / 60.0,
      .turn_end_rate = 1.0 / 30.0,
  };
}
