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
      /* Gravity beyond J2: 1e-4 m/s^2 rms at the heights of coast, changing within a minute. */
      .coast_accel_psd = 1e-6,
      /* Stages low above the air turn, vent and drop parts: 0.04 m/s^2 over ten seconds. Three real ones show 0.05 to 0.4
       * (tests/e2e/falcon9.py); against a truth without any, this takes 0.1 from the NEES of low coasts and of re-entry. */
      .coast_low_accel_psd = 0.02,
      /* A body on the way up or down through thin air is braked by something between nothing and twice the drag of
       * the reference body. */
      .coast_drag_fraction = 1.0,
      /* Lift, winds and wobble are three tenths of the drag over a second: a steered stage has as much for longer (at a tenth its
       * velocity was off by 58 m/s instead of 51), a spinning re-entry vehicle less. */
      .reentry_lift_fraction = 0.3,
      /* The ballistic coefficient drifts by 25 percent over twenty seconds as flow and attitude change. */
      .reentry_drag_psd = 0.003,
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
      /* Where stages follow each other one burn begins in a thousand seconds. Less weight on it costs truth where it matters: at
       * 2e-5 the real flight with three burns had a NEES of 15 per degree of freedom in them, at 1e-3 4. */
      .boost_begin_rate = 1e-3,
      /* What falls through the air and burns once more is a booster coming home; the watch widens what is said of all
       * others. */
      .boost_begin_fall_rate = 3e-4,
      /* Nothing ignites minutes into a coast; where it does all the same, it is found after a fifth more time. */
      .boost_begin_space_rate = 1e-8,
      .staging_altitude_m = 100e3,
      /* The environment decides within 2 s between coast and re-entry; one in 250 is misjudged. */
      .settle_rate = 0.5,
      .stray_rate = 0.002,
      .reentry_altitude_m = 80e3,
      /* Straight legs of a minute, turns of half a minute. */
      .turn_begin_rate = 1.0 / 60.0,
      .turn_end_rate = 1.0 / 30.0,
  };
}
