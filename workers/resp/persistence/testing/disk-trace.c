/*
 * Preloaded into a process, this writes down at the system-call boundary what it does to the files below a folder
 * (DISK_TRACE_DIR), and when it has been told that something is on the disk, into DISK_TRACE_FILE. From that a test can
 * tell what a disk holds after a loss of power at any moment: see disk-image.ts, which reads the records.
 *
 * No headers are needed, so that any C compiler will do, a bare tcc included.
 */
typedef unsigned long size_t;
typedef long ssize_t;
typedef long off_t;
struct iovec { void *base; size_t length; };
struct timespec { long seconds; long nanoseconds; };

extern void *dlsym(void *, const char *);
extern char *getenv(const char *);
extern size_t strlen(const char *);
extern int strncmp(const char *, const char *, size_t);
extern void *memcpy(void *, const void *, size_t);
extern void *malloc(size_t);
extern void free(void *);
extern int fstat(int, void *);
extern int clock_gettime(int, struct timespec *);
extern int pthread_mutex_lock(void *);
extern int pthread_mutex_unlock(void *);
extern long lseek(int, off_t, int);

#define NEXT ((void *)-1L)
#define FDS 65536
#define O_CREAT_TRUNC_APPEND_WRITE (0100 | 01000 | 02000 | 01)

static long mutex[16];
static int trace = -2;
static const char *folder;
static size_t folder_length;
/* The inode of each open file that is followed, 0 for others. */
static unsigned long inodes[FDS];

static int (*real_open)(const char *, int, ...);
static ssize_t (*real_write)(int, const void *, size_t);

static void prepare(void) {
  if (trace != -2) return;
  trace = -1;
  real_open = dlsym(NEXT, "open64");
  real_write = dlsym(NEXT, "write");
  folder = getenv("DISK_TRACE_DIR");
  const char *file = getenv("DISK_TRACE_FILE");
  if (!folder || !file) return;
  folder_length = strlen(folder);
  trace = real_open(file, O_CREAT_TRUNC_APPEND_WRITE, 0600);
}

static int followed(const char *path) {
  prepare();
  return trace >= 0 && path && strncmp(path, folder, folder_length) == 0;
}

/* A record: type, inode, a number, the time in microseconds, the length of what follows; each of 8 bytes. */
static void record(char type, unsigned long inode, long number, const void *bytes, size_t length) {
  struct timespec now;
  long *record = malloc(40 + length);
  clock_gettime(0, &now);
  record[0] = type;
  record[1] = inode;
  record[2] = number;
  record[3] = now.seconds * 1000000 + now.nanoseconds / 1000;
  record[4] = length;
  memcpy(record + 5, bytes, length);
  pthread_mutex_lock(mutex);
  real_write(trace, record, 40 + length);
  pthread_mutex_unlock(mutex);
  free(record);
}

static long traced(void) {
  pthread_mutex_lock(mutex);
  long end = lseek(trace, 0, 2);
  pthread_mutex_unlock(mutex);
  return end;
}

static unsigned long inode_of(int fd) {
  unsigned long status[64];
  if (fstat(fd, status) != 0) return 0;
  return status[1];
}

static unsigned long known(int fd) { return fd >= 0 && fd < FDS ? inodes[fd] : 0; }

static int opened(int fd, const char *path, int flags) {
  if (fd >= 0 && fd < FDS) inodes[fd] = 0;
  if (fd < 0 || fd >= FDS || !followed(path)) return fd;
  inodes[fd] = inode_of(fd);
  record('O', inodes[fd], flags & 01000, path, strlen(path));
  return fd;
}

int open(const char *path, int flags, int mode) {
  prepare();
  return opened(real_open(path, flags, mode), path, flags);
}
int open64(const char *path, int flags, int mode) { return open(path, flags, mode); }

int close(int fd) {
  static int (*real)(int);
  if (!real) real = dlsym(NEXT, "close");
  if (fd >= 0 && fd < FDS) inodes[fd] = 0;
  return real(fd);
}

ssize_t write(int fd, const void *bytes, size_t length) {
  prepare();
  if (!known(fd)) return real_write(fd, bytes, length);
  /* Not every way to close a file can be seen: a socket may have got its number. */
  long at = lseek(fd, 0, 1);
  if (at < 0) inodes[fd] = 0;
  ssize_t done = real_write(fd, bytes, length);
  if (done > 0 && known(fd)) record('W', known(fd), at, bytes, done);
  return done;
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off_t at) {
  static ssize_t (*real)(int, const void *, size_t, off_t);
  if (!real) real = dlsym(NEXT, "pwrite64");
  ssize_t done = real(fd, bytes, length, at);
  if (done > 0 && known(fd)) record('W', known(fd), at, bytes, done);
  return done;
}
ssize_t pwrite(int fd, const void *bytes, size_t length, off_t at) { return pwrite64(fd, bytes, length, at); }

ssize_t writev(int fd, const struct iovec *parts, int count) {
  static ssize_t (*real)(int, const struct iovec *, int);
  if (!real) real = dlsym(NEXT, "writev");
  if (!known(fd)) return real(fd, parts, count);
  ssize_t done = 0;
  for (int i = 0; i < count; i++) {
    ssize_t part = write(fd, parts[i].base, parts[i].length);
    if (part < 0) return done ? done : part;
    done += part;
  }
  return done;
}

ssize_t pwritev64(int fd, const struct iovec *parts, int count, off_t at) {
  static ssize_t (*real)(int, const struct iovec *, int, off_t);
  if (!real) real = dlsym(NEXT, "pwritev64");
  if (!known(fd)) return real(fd, parts, count, at);
  ssize_t done = 0;
  for (int i = 0; i < count; i++) {
    ssize_t part = pwrite64(fd, parts[i].base, parts[i].length, at + done);
    if (part < 0) return done ? done : part;
    done += part;
  }
  return done;
}
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) { return pwritev64(fd, parts, count, at); }

int ftruncate64(int fd, off_t size) {
  static int (*real)(int, off_t);
  if (!real) real = dlsym(NEXT, "ftruncate64");
  int result = real(fd, size);
  if (result == 0 && known(fd)) record('T', known(fd), size, "", 0);
  return result;
}
int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

/* What was written before the call is on the disk once it has returned. */
static int synced(int fd, int (*real)(int)) {
  if (!known(fd)) return real(fd);
  long before = traced();
  int result = real(fd);
  if (result == 0) record('S', known(fd), before, "", 0);
  return result;
}

int fsync(int fd) {
  static int (*real)(int);
  if (!real) real = dlsym(NEXT, "fsync");
  return synced(fd, real);
}

int fdatasync(int fd) {
  static int (*real)(int);
  if (!real) real = dlsym(NEXT, "fdatasync");
  return synced(fd, real);
}

int rename(const char *from, const char *to) {
  static int (*real)(const char *, const char *);
  if (!real) real = dlsym(NEXT, "rename");
  int result = real(from, to);
  if (result == 0 && followed(from)) {
    size_t first = strlen(from) + 1;
    size_t second = strlen(to);
    char *both = malloc(first + second);
    memcpy(both, from, first);
    memcpy(both + first, to, second);
    record('R', 0, 0, both, first + second);
    free(both);
  }
  return result;
}

int unlink(const char *path) {
  static int (*real)(const char *);
  if (!real) real = dlsym(NEXT, "unlink");
  int result = real(path);
  if (result == 0 && followed(path)) record('U', 0, 0, path, strlen(path));
  return result;
}

int mkdir(const char *path, int mode) {
  static int (*real)(const char *, int);
  if (!real) real = dlsym(NEXT, "mkdir");
  int result = real(path, mode);
  if (result == 0 && followed(path)) record('M', 0, 0, path, strlen(path));
  return result;
}
