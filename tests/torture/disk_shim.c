/* Stands between a program and the disk: to write down what it does to a folder, to end it at
 * one of these operations, and to let them fail.
 *
 * Everything by which the hub changes files is caught: open with O_CREAT or O_TRUNC, write,
 * pwrite, ftruncate, fsync, fdatasync, rename, link, unlink and mkdir. The shared memory of the
 * log (-shm) is no file that survives anything and is passed by. Variables: see disk_shim.py.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define REAL(type, name) ((type)dlsym(RTLD_NEXT, name))

typedef ssize_t (*write_here)(int, const void *, size_t);
typedef ssize_t (*write_there)(int, const void *, size_t, off_t);

struct head {
    uint32_t kind, path_length, data_length, process;
    uint64_t inode;
    int64_t offset;
} __attribute__((packed));

static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
static long done, last = -1;
static int torn, log_fd = -1, log_owner;

/* Begin to count anew: operation number `number` (from 1) is the last of this process. */
void disk_arm(long number, int half)
{
    done = 0;
    torn = half;
    last = number;
}

long disk_operations(void) { return done; }

__attribute__((constructor)) static void begin(void)
{
    const char *number = getenv("DISK_KILL_AT");
    if (number)
        disk_arm(atol(number), getenv("DISK_KILL_TORN") != NULL);
}

static int is_ours(const char *path)
{
    const char *folder = getenv("DISK_FOLDER");
    size_t length = folder ? strlen(folder) : 0, all = strlen(path);
    if (!length || strncmp(path, folder, length) != 0 || (path[length] && path[length] != '/'))
        return 0;
    return all < 4 || strcmp(path + all - 4, "-shm") != 0;
}

static int path_of(int fd, char *path)
{
    char link[64];
    if (fd <= STDERR_FILENO)
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length <= 0)
        return 0;
    path[length] = '\0';
    return is_ours(path);
}

static uint64_t inode_of(int fd)
{
    struct stat about;
    return fstat(fd, &about) == 0 ? about.st_ino : 0;
}

/* A lock belongs to an opening of the file: a fork needs one of its own. */
static void open_log(void)
{
    const char *name = getenv("DISK_LOG");
    if (!name || log_owner == getpid())
        return;
    log_fd = REAL(int (*)(const char *, int, ...), "open")(
        name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    log_owner = getpid();
    if (log_fd < 0)
        abort();
}

/* One record, whole, behind those of every other process. */
static void note(char kind, uint64_t inode, int64_t at, const char *path, const void *data,
                 size_t length)
{
    if (log_fd < 0)
        return;
    struct head head = {kind, strlen(path), length, getpid(), inode, at};
    struct iovec parts[] = {
        {&head, sizeof head}, {(void *)path, head.path_length}, {(void *)data, length}};
    ssize_t all = sizeof head + head.path_length + length;
    if (writev(log_fd, parts, 3) != all)
        abort();
}

/* A fault is a file: "EIO all", "ENOSPC write", "EIO sync". Returns the errno, or 0. */
static int fault(const char *what)
{
    const char *file = getenv("DISK_FAULT");
    char said[64] = "", *kind;
    int fd = file ? REAL(int (*)(const char *, int, ...), "open")(file, O_RDONLY) : -1;
    if (fd < 0)
        return 0;
    ssize_t got = read(fd, said, sizeof said - 1);
    close(fd);
    if (got <= 0 || !(kind = strchr(said, ' ')))
        return 0;
    *kind++ = '\0';
    if (strncmp(kind, "all", 3) != 0 && strncmp(kind, what, strlen(what)) != 0)
        return 0;
    return strcmp(said, "ENOSPC") == 0 ? ENOSPC : strcmp(said, "EROFS") == 0 ? EROFS : EIO;
}

static void leave(void)
{
    int kept = errno;
    if (log_fd >= 0)
        flock(log_fd, LOCK_UN);
    pthread_mutex_unlock(&one_at_a_time);
    errno = kept;
}

/* Before an operation: count it, end here, or fail. Returns 0 where it may be done. */
static int enter(const char *what, int fd, const void *data, size_t length, off_t at)
{
    pthread_mutex_lock(&one_at_a_time);
    open_log();
    if (log_fd >= 0)
        flock(log_fd, LOCK_EX);
    int error = fault(what);
    if (error) {
        note('F', 0, error, what, "", 0);
        errno = error;
        leave();
        return -1;
    }
    if (++done == last) {
        if (torn && data)
            REAL(write_there, "pwrite64")(fd, data, length / 2, at);
        kill(getpid(), SIGKILL);
        for (;;)
            pause();
    }
    return 0;
}

static ssize_t put(int fd, const void *data, size_t length, off_t at, int moves)
{
    write_there write_at = REAL(write_there, "pwrite64");
    write_here write_on = REAL(write_here, "write");
    char path[PATH_MAX];
    if (!path_of(fd, path))
        return moves ? write_on(fd, data, length) : write_at(fd, data, length, at);
    if (moves)
        at = lseek(fd, 0, fcntl(fd, F_GETFL) & O_APPEND ? SEEK_END : SEEK_CUR);
    if (enter("write", fd, data, length, at) != 0)
        return -1;
    ssize_t result = moves ? write_on(fd, data, length) : write_at(fd, data, length, at);
    if (result > 0)
        note('W', inode_of(fd), at, path, data, (size_t)result);
    leave();
    return result;
}

ssize_t write(int fd, const void *data, size_t length) { return put(fd, data, length, 0, 1); }
ssize_t pwrite(int fd, const void *data, size_t length, off_t at)
{
    return put(fd, data, length, at, 0);
}
ssize_t pwrite64(int fd, const void *data, size_t length, off64_t at)
{
    return put(fd, data, length, at, 0);
}

static int cut(int fd, off_t length)
{
    int (*real)(int, off_t) = REAL(int (*)(int, off_t), "ftruncate64");
    char path[PATH_MAX];
    if (!path_of(fd, path))
        return real(fd, length);
    if (enter("write", fd, NULL, 0, 0) != 0)
        return -1;
    int result = real(fd, length);
    if (result == 0)
        note('T', inode_of(fd), length, path, "", 0);
    leave();
    return result;
}

int ftruncate(int fd, off_t length) { return cut(fd, length); }
int ftruncate64(int fd, off64_t length) { return cut(fd, length); }

static int flush(const char *name, int fd)
{
    int (*real)(int) = REAL(int (*)(int), name);
    char path[PATH_MAX];
    if (!path_of(fd, path))
        return real(fd);
    if (enter("sync", fd, NULL, 0, 0) != 0)
        return -1;
    int result = real(fd);
    if (result == 0)
        note('S', inode_of(fd), 0, path, "", 0);
    leave();
    return result;
}

int fsync(int fd) { return flush("fsync", fd); }
int fdatasync(int fd) { return flush("fdatasync", fd); }

static int make(const char *name, const char *path, int flags, mode_t mode)
{
    int (*real)(const char *, int, ...) = REAL(int (*)(const char *, int, ...), name);
    struct stat about;
    int changes = flags & (O_CREAT | O_TRUNC) && is_ours(path);
    int is_new = changes && stat(path, &about) != 0;
    if (!changes || (!is_new && !(flags & O_TRUNC)))
        return real(path, flags, mode);
    if (enter("write", -1, NULL, 0, 0) != 0)
        return -1;
    int fd = real(path, flags, mode);
    if (fd >= 0)
        note(is_new ? 'C' : 'T', inode_of(fd), 0, path, "", 0);
    leave();
    return fd;
}

#define OPENING(name)                                                                          \
    int name(const char *path, int flags, ...)                                                 \
    {                                                                                          \
        va_list rest;                                                                          \
        va_start(rest, flags);                                                                 \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;                \
        va_end(rest);                                                                          \
        return make(#name, path, flags, mode);                                                 \
    }
OPENING(open)
OPENING(open64)

/* What changes a folder; the second name, where there is one, is the record's data. */
#define NAMING(kind, name, from, to, call, ...)                                                \
    int name(__VA_ARGS__)                                                                      \
    {                                                                                          \
        char both[2 * PATH_MAX];                                                               \
        if (!is_ours(from))                                                                    \
            return call;                                                                       \
        if (enter("write", -1, NULL, 0, 0) != 0)                                               \
            return -1;                                                                         \
        int result = call;                                                                     \
        if (result == 0)                                                                       \
            note(kind, 0, 0, from, both, (size_t)snprintf(both, sizeof both, "%s", to));       \
        leave();                                                                               \
        return result;                                                                         \
    }
typedef int (*of_two)(const char *, const char *);
typedef int (*of_one)(const char *);
typedef int (*of_mode)(const char *, mode_t);
NAMING('R', rename, a, b, REAL(of_two, "rename")(a, b), const char *a, const char *b)
NAMING('L', link, a, b, REAL(of_two, "link")(a, b), const char *a, const char *b)
NAMING('U', unlink, a, "", REAL(of_one, "unlink")(a), const char *a)
NAMING('M', mkdir, a, "", REAL(of_mode, "mkdir")(a, mode), const char *a, mode_t mode)
