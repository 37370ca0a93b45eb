#include "tools/score/score_figure.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHILD_NO_GNUPLOT = 127, CHILD_NO_FOLDER = 126 };

int figure_open(struct figure *figure, const char *directory, const char *name, struct weft_error *err) {
  memset(figure, 0, sizeof *figure);
  snprintf(figure->directory, sizeof figure->directory, "%s", directory);
  snprintf(figure->name, sizeof figure->name, "%s", name);
  char path[600];
  snprintf(path, sizeof path, "%s/%s.dat", directory, name);
  figure->data = fopen(path, "w");
  if (!figure->data)
    return weft_fail(err, -errno, "%s: can't be written: %s; give another --plots folder", path,
                     strerror(errno));
  return 0;
}

void figure_set(struct figure *figure, const char *format, ...) {
  size_t used = strlen(figure->settings);
  va_list args;
  va_start(args, format);
  vsnprintf(figure->settings + used, sizeof figure->settings - used, format, args);
  va_end(args);
}

void figure_series(struct figure *figure, const char *style, const char *title) {
  figure->points = 0;
  char legend[256];
  if (*title)
    snprintf(legend, sizeof legend, "title '%s'", title);
  else
    snprintf(legend, sizeof legend, "notitle");
  snprintf(figure->clause, sizeof figure->clause, "'%s.dat' index %d using %s %s", figure->name,
           figure->series, style, legend);
}

void figure_point(struct figure *figure, int count, double a, double b, double c, double d) {
  if (!figure->points++) {
    size_t used = strlen(figure->clauses);
    snprintf(figure->clauses + used, sizeof figure->clauses - used, "%s  %s", figure->series ? ", \\\n" : "",
             figure->clause);
    if (figure->series++) fprintf(figure->data, "\n\n"); /* two empty lines begin the next index */
  }
  const double value[4] = {a, b, c, d};
  for (int i = 0; i < count; i++) fprintf(figure->data, "%s%.9g", i ? " " : "", value[i]);
  fputc('\n', figure->data);
}

void figure_lift(struct figure *figure) {
  /* Twice in a row would begin a new index; the caller lifts only after a point. */
  if (figure->points) fputc('\n', figure->data);
}

static int script_write(const struct figure *figure, struct weft_error *err) {
  char path[600];
  snprintf(path, sizeof path, "%s/%s.gp", figure->directory, figure->name);
  FILE *script = fopen(path, "w");
  if (!script) return weft_fail(err, -errno, "%s: can't be written: %s", path, strerror(errno));
  fprintf(script, "# Run again in this folder: gnuplot %s.gp\n", figure->name);
  fprintf(script, "set terminal pngcairo size 1200,800 font 'Sans,13' linewidth 1.2\nset output '%s.png'\n",
          figure->name);
  fprintf(script, "set key outside right top Left reverse width -2 spacing 1.3 samplen 2\nset title font "
                  "',14'\nset grid lc rgb '#dddddd' lw 1\nset border lc rgb '#555555'\n");
  fprintf(script, "%splot \\\n%s\n", figure->settings, figure->clauses);
  bool broken = ferror(script) != 0;
  if (fclose(script) || broken) return weft_fail(err, -EIO, "%s: can't be written: is the disk full?", path);
  return 0;
}

static _Noreturn void gnuplot_become(const struct figure *figure) {
  char script[64], log[64];
  snprintf(script, sizeof script, "%s.gp", figure->name);
  snprintf(log, sizeof log, "%s.log", figure->name);
  if (chdir(figure->directory)) _exit(CHILD_NO_FOLDER);
  int file = open(log, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (file < 0 || dup2(file, STDOUT_FILENO) < 0 || dup2(file, STDERR_FILENO) < 0) _exit(CHILD_NO_FOLDER);
  execlp("gnuplot", "gnuplot", script, (char *)NULL);
  _exit(CHILD_NO_GNUPLOT);
}

static int gnuplot_run(const struct figure *figure, struct weft_error *err) {
  (void)fflush(NULL);
  pid_t child = fork();
  if (child < 0) return weft_fail(err, -errno, "gnuplot can't be started: %s", strerror(errno));
  if (!child) gnuplot_become(figure);
  int status = 0;
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return weft_fail(err, -errno, "gnuplot can't be waited for: %s", strerror(errno));
  char log[600];
  snprintf(log, sizeof log, "%s/%s.log", figure->directory, figure->name);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
    unlink(log);
    return 0;
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == CHILD_NO_GNUPLOT) {
    unlink(log);
    return weft_fail(err, -ENOENT,
                     "gnuplot was not found, so there are no pictures: install it (apt-get install "
                     "gnuplot-nox) and run this again");
  }
  return weft_fail(err, -EIO, "gnuplot failed on %s/%s.gp: see %s", figure->directory, figure->name, log);
}

int figure_close(struct figure *figure, struct weft_error *err) {
  bool broken = ferror(figure->data) != 0;
  if (fclose(figure->data) || broken)
    return weft_fail(err, -EIO, "%s/%s.dat: can't be written: is the disk full?", figure->directory,
                     figure->name);
  if (!figure->series) {
    char path[600];
    snprintf(path, sizeof path, "%s/%s.dat", figure->directory, figure->name);
    unlink(path);
    return 0;
  }
  int code = script_write(figure, err);
  return code ? code : gnuplot_run(figure, err);
}
