/* Runs `weft run` under ptrace and kills it (SIGKILL) at its n-th I/O boundary, or lets it live to its end if
 * it has fewer.
 *
 *     crash_boundary N FOLDER TRAFFIC LIVE COMMAND...
 *
 * A boundary is the entry (nothing has happened yet) or the exit (it has) of a system call that changes or
 * moves something in FOLDER, a socket, a pipe or io_uring, by any thread. Reading and closing files change
 * nothing and are none. TRAFFIC holds datagrams, each behind its length as u32. One is sent when the server
 * waits for input and its other threads sleep, or have not for some waits, which needs no clock; once all are
 * sent and the others sleep, some waits long, the server gets SIGTERM. Lines of the live port go to LIVE,
 * what it prints to FOLDER/stdout.
 *
 * Prints one JSON line: how it ended, where, datagrams sent, boundaries of each kind. Status 77: ptrace is
 * not allowed. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
  THREADS_MAX = 64,
  QUIET_WAITS = 4, /* with nothing left to send and all asleep, before the server is told to end */
  BUSY_WAITS = 6,  /* with others awake, before the next datagram */
  SKIPPED = 77,
  DATAGRAM_MAX = 65536,
  READY_MAX = 512,
  CHUNK = 65536
};

/* What makes a call a boundary. */
enum subject { SUBJECT_ALWAYS, SUBJECT_DESCRIPTOR, SUBJECT_PATH, SUBJECT_OPEN };

static const struct kind {
  long number;
  enum subject subject;
  int argument; /* which one is the path or descriptor */
  const char *name;
} kinds[] = {
    {SYS_openat, SUBJECT_OPEN, 1, "openat"},
    {SYS_mkdir, SUBJECT_PATH, 0, "mkdir"},
    {SYS_mkdirat, SUBJECT_PATH, 1, "mkdir"},
    {SYS_rename, SUBJECT_PATH, 0, "rename"},
    {SYS_renameat, SUBJECT_PATH, 1, "rename"},
    {SYS_renameat2, SUBJECT_PATH, 1, "rename"},
    {SYS_unlink, SUBJECT_PATH, 0, "unlink"},
    {SYS_unlinkat, SUBJECT_PATH, 1, "unlink"},
    {SYS_link, SUBJECT_PATH, 0, "link"},
    {SYS_linkat, SUBJECT_PATH, 1, "link"},
    {SYS_truncate, SUBJECT_PATH, 0, "truncate"},
    {SYS_write, SUBJECT_DESCRIPTOR, 0, "write"},
    {SYS_writev, SUBJECT_DESCRIPTOR, 0, "write"},
    {SYS_pwrite64, SUBJECT_DESCRIPTOR, 0, "pwrite"},
    {SYS_pwritev, SUBJECT_DESCRIPTOR, 0, "pwrite"},
    {SYS_ftruncate, SUBJECT_DESCRIPTOR, 0, "truncate"},
    {SYS_fallocate, SUBJECT_DESCRIPTOR, 0, "fallocate"},
    {SYS_fchmod, SUBJECT_DESCRIPTOR, 0, "chmod"},
    {SYS_fsync, SUBJECT_DESCRIPTOR, 0, "fsync"},
    {SYS_fdatasync, SUBJECT_DESCRIPTOR, 0, "fdatasync"},
    {SYS_sync_file_range, SUBJECT_DESCRIPTOR, 0, "sync_file_range"},
    {SYS_flock, SUBJECT_DESCRIPTOR, 0, "flock"},
    {SYS_bind, SUBJECT_DESCRIPTOR, 0, "bind"},
    {SYS_listen, SUBJECT_DESCRIPTOR, 0, "listen"},
    {SYS_connect, SUBJECT_DESCRIPTOR, 0, "connect"},
    {SYS_accept, SUBJECT_DESCRIPTOR, 0, "accept"},
    {SYS_accept4, SUBJECT_DESCRIPTOR, 0, "accept"},
    {SYS_shutdown, SUBJECT_DESCRIPTOR, 0, "shutdown"},
    {SYS_read, SUBJECT_DESCRIPTOR, 0, "read"}, /* of sockets and pipes, see descriptor_matters */
    {SYS_recvfrom, SUBJECT_DESCRIPTOR, 0, "receive"},
    {SYS_recvmsg, SUBJECT_DESCRIPTOR, 0, "receive"},
    {SYS_recvmmsg, SUBJECT_DESCRIPTOR, 0, "receive"},
    {SYS_sendto, SUBJECT_DESCRIPTOR, 0, "send"},
    {SYS_sendmsg, SUBJECT_DESCRIPTOR, 0, "send"},
    {SYS_sendmmsg, SUBJECT_DESCRIPTOR, 0, "send"},
    {SYS_io_uring_setup, SUBJECT_ALWAYS, 0, "io_uring_setup"},
    {SYS_io_uring_register, SUBJECT_ALWAYS, 0, "io_uring_register"},
    {SYS_io_uring_enter, SUBJECT_ALWAYS, 0, "io_uring_enter"},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

struct thread {
  pid_t id;              /* 0: free */
  bool begun;            /* its first stop was taken */
  const struct kind *in; /* the boundary call that it is in */
  bool asleep;           /* in a call that waits */
};

struct life {
  unsigned long at, count; /* the boundary to kill at; those so far */
  const char *folder;
  pid_t server;
  struct thread threads[THREADS_MAX];
  int out; /* to read what the server printed */
  char ready[READY_MAX];
  size_t ready_size;
  int datagrams, lines; /* sockets, -1 before the server is ready */
  FILE *traffic, *live;
  unsigned long sent;
  int quiet, busy; /* waits of the server for input */
  bool told;       /* it got SIGTERM */
  bool killed;
  int status; /* as waitpid said at its end */
  char where[64];
  unsigned long seen[KINDS];
};

static void die(const char *what) {
  perror(what);
  exit(1);
}

static bool begins(const char *text, const char *with) {
  return strncmp(text, with, strlen(with)) == 0;
}

/* A file of the folder, a socket or a pipe. */
static bool descriptor_matters(const struct life *life, pid_t thread, uint64_t descriptor, bool reads) {
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/%d/fd/%d", thread, (int)descriptor);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return false;
  path[length] = 0;
  return begins(path, "socket:") || begins(path, "pipe:") || (!reads && begins(path, life->folder));
}

static bool path_matters(const struct life *life, pid_t thread, uint64_t address) {
  char link[64], path[4096] = "";
  snprintf(link, sizeof link, "/proc/%d/mem", thread);
  int fd = open(link, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  ssize_t length = pread(fd, path, sizeof path - 1, (off_t)address);
  close(fd);
  return length > 0 && begins(path, life->folder);
}

/* The kind of boundary that this call is, or NULL. */
static const struct kind *boundary_of(const struct life *life, pid_t thread,
                                      const struct __ptrace_syscall_info *call) {
  const struct kind *kind = kinds;
  while (kind < kinds + KINDS && (uint64_t)kind->number != call->entry.nr) kind++;
  if (kind == kinds + KINDS) return NULL;
  uint64_t argument = call->entry.args[kind->argument];
  bool good = true;
  if (kind->subject == SUBJECT_DESCRIPTOR)
    good = descriptor_matters(life, thread, argument, kind->number == SYS_read);
  if (kind->subject == SUBJECT_PATH) good = path_matters(life, thread, argument);
  if (kind->subject == SUBJECT_OPEN)
    good = (call->entry.args[2] & (O_ACCMODE | O_CREAT)) != 0 && path_matters(life, thread, argument);
  return good ? kind : NULL;
}

static void boundary_count(struct life *life, const struct kind *kind, const char *side) {
  life->seen[kind - kinds]++;
  if (++life->count != life->at) return;
  snprintf(life->where, sizeof life->where, "%s of %s", side, kind->name);
  life->killed = true;
  kill(life->server, SIGKILL);
}

static int link_open(const struct life *life, const char *name, int type) {
  const char *at = strstr(life->ready, name);
  const char *colon = at ? strstr(at, "127.0.0.1:") : NULL;
  if (!colon) return -1;
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  to.sin_port = htons((uint16_t)strtoul(colon + strlen("127.0.0.1:"), NULL, 10));
  int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
  if (fd < 0 || connect(fd, (const struct sockaddr *)&to, sizeof to) < 0) die(name);
  return fd;
}

static void ready_read(struct life *life) {
  ssize_t n = read(life->out, life->ready + life->ready_size, READY_MAX - 1 - life->ready_size);
  if (n > 0) life->ready_size += (size_t)n;
  life->ready[life->ready_size] = 0;
  if (!begins(life->ready, "ready") || !strchr(life->ready, '\n')) return;
  life->datagrams = link_open(life, "detections=", SOCK_DGRAM);
  life->lines = link_open(life, "tracks=", SOCK_STREAM);
}

static void lines_take(const struct life *life, int flags) {
  static char chunk[CHUNK];
  ssize_t n;
  while (life->lines >= 0 && (n = recv(life->lines, chunk, sizeof chunk, flags)) > 0)
    fwrite(chunk, 1, (size_t)n, life->live);
}

/* The next datagram; false after the last. */
static bool datagram_send(struct life *life) {
  static uint8_t datagram[DATAGRAM_MAX];
  uint32_t size;
  if (fread(&size, sizeof size, 1, life->traffic) != 1) return false;
  if (size > sizeof datagram || fread(datagram, 1, size, life->traffic) != size) die("traffic");
  if (send(life->datagrams, datagram, size, 0) < 0) die("send");
  life->sent++;
  return true;
}

static bool all_asleep(const struct life *life) {
  for (int i = 0; i < THREADS_MAX; i++) {
    if (life->threads[i].id && !life->threads[i].asleep) return false;
  }
  return true;
}

/* A thread is about to sleep; `server`: the one that waits for input. */
static void sleep_take(struct life *life, bool server) {
  if (life->datagrams < 0 && server) ready_read(life);
  lines_take(life, MSG_DONTWAIT);
  if (life->datagrams < 0 || life->told) return;
  bool asleep = all_asleep(life);
  life->busy += server;
  if (!asleep && life->busy < BUSY_WAITS) return;
  life->busy = 0;
  if (datagram_send(life) || !asleep) return;
  life->quiet += server;
  if (life->quiet < QUIET_WAITS) return;
  life->told = true;
  kill(life->server, SIGTERM);
}

static struct thread *thread_of(struct life *life, pid_t id) {
  struct thread *free = NULL;
  for (int i = 0; i < THREADS_MAX; i++) {
    if (life->threads[i].id == id) return &life->threads[i];
    if (life->threads[i].id == 0) free = &life->threads[i];
  }
  if (!free) die("more threads than foreseen");
  *free = (struct thread){.id = id};
  return free;
}

static void call_stop(struct life *life, struct thread *thread) {
  struct __ptrace_syscall_info call;
  if (ptrace(PTRACE_GET_SYSCALL_INFO, thread->id, sizeof call, &call) < 0) return; /* it is being killed */
  if (call.op == PTRACE_SYSCALL_INFO_ENTRY) {
    uint64_t number = call.entry.nr;
    bool waits = number == SYS_io_uring_enter || number == SYS_ppoll;
    thread->in = boundary_of(life, thread->id, &call);
    if (thread->in) boundary_count(life, thread->in, "entry");
    thread->asleep = waits || number == SYS_futex;
    if (thread->asleep && !life->killed) sleep_take(life, waits);
  } else if (call.op == PTRACE_SYSCALL_INFO_EXIT) {
    if (thread->in) boundary_count(life, thread->in, "exit");
    thread->in = NULL;
    thread->asleep = false;
  }
}

/* One stop of one thread. The signal to hand on. */
static int stop_take(struct life *life, struct thread *thread, int status) {
  int signal = WSTOPSIG(status);
  bool first = !thread->begun;
  thread->begun = true;
  if (signal == (SIGTRAP | 0x80)) {
    call_stop(life, thread);
    return 0;
  }
  return status >> 16 || signal == SIGTRAP || (first && signal == SIGSTOP) ? 0 : signal;
}

static void trace(struct life *life) {
  int status;
  pid_t id;
  while ((id = waitpid(-1, &status, __WALL)) > 0) {
    struct thread *thread = thread_of(life, id);
    if (WIFSTOPPED(status)) {
      int signal = stop_take(life, thread, status);
      ptrace(PTRACE_SYSCALL, id, 0, signal); /* fails only for one that is being killed */
    } else {
      thread->id = 0;
      if (id == life->server) life->status = status;
    }
  }
  lines_take(life, 0);
}

static void begin(struct life *life, char **command) {
  char path[4096];
  snprintf(path, sizeof path, "%s/stdout", life->folder);
  int out = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  life->out = open(path, O_RDONLY | O_CLOEXEC);
  if (out < 0 || life->out < 0) die(path);
  life->server = fork();
  if (life->server < 0) die("fork");
  if (life->server == 0) {
    if (ptrace(PTRACE_TRACEME, 0, 0, 0) < 0) _exit(SKIPPED);
    dup2(out, STDOUT_FILENO);
    execv(command[0], command);
    _exit(127);
  }
  close(out);
  int status;
  if (waitpid(life->server, &status, 0) < 0) die("waitpid");
  if (WIFEXITED(status)) {
    printf("skipped: ptrace is not allowed here\n");
    exit(WEXITSTATUS(status));
  }
  long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL;
  if (ptrace(PTRACE_SETOPTIONS, life->server, 0, options) < 0) die("ptrace");
  thread_of(life, life->server)->begun = true;
  ptrace(PTRACE_SYSCALL, life->server, 0, 0);
}

static void tell(const struct life *life) {
  printf("{\"killed\":%s,\"status\":%d,\"where\":\"%s\",\"boundaries\":%lu,\"sent\":%lu,\"kinds\":{",
         life->killed ? "true" : "false",
         WIFEXITED(life->status) ? WEXITSTATUS(life->status) : -WTERMSIG(life->status), life->where,
         life->count, life->sent);
  const char *comma = "";
  for (int k = 0; k < KINDS; k++) {
    if (k > 0 && strcmp(kinds[k].name, kinds[k - 1].name) == 0) continue; /* counted with the one before */
    unsigned long sum = 0;
    for (int i = k; i < KINDS; i++) sum += strcmp(kinds[i].name, kinds[k].name) == 0 ? life->seen[i] : 0;
    if (sum == 0) continue;
    printf("%s\"%s\":%lu", comma, kinds[k].name, sum);
    comma = ",";
  }
  printf("}}\n");
}

int main(int argc, char **argv) {
  if (argc < 6) {
    fprintf(stderr, "usage: crash_boundary N FOLDER TRAFFIC LIVE COMMAND...\n");
    return 2;
  }
  struct life life = {.at = strtoul(argv[1], NULL, 10), .folder = argv[2], .datagrams = -1, .lines = -1};
  life.traffic = fopen(argv[3], "rb");
  life.live = fopen(argv[4], "wb");
  if (!life.traffic || !life.live) die("opening files");
  begin(&life, argv + 5);
  trace(&life);
  if (fclose(life.live) != 0) die(argv[4]);
  tell(&life);
  return 0;
}
