/* Stands between a program and the disk's flush, to see it, slow it, fail it, or cut the power.
 *
 * Every promise about durability is a promise about fsync and fdatasync, and SQLite builds
 * differ in which they call, so both are caught. Each behaviour is switched on by a variable of
 * the environment; see flush_shim.py.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A removal is lasting once its directory is flushed. */
static void drop_images(const char *folder, const char *directory)
{
    char path[PATH_MAX + 256];
    DIR *images = opendir(folder);
    if (!images)
        abort();
    for (struct dirent *entry; (entry = readdir(images));) {
        snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
        if (entry->d_name[0] != '.' && access(path, F_OK) != 0)
            unlinkat(dirfd(images), entry->d_name, 0);
    }
    closedir(images);
}

/* Keep what a power cut just now would leave of this file, at worst: its flushed bytes. */
static void keep_image(const char *folder, int fd)
{
    char link[64], path[PATH_MAX], draft[PATH_MAX + 64], image[PATH_MAX + 64], block[65536];
    struct stat about;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (fstat(fd, &about) != 0 || length <= 0)
        return;
    path[length] = '\0';
    if (S_ISDIR(about.st_mode)) {
        drop_images(folder, path);
        return;
    }
    const char *name = strrchr(path, '/') + 1;
    snprintf(draft, sizeof draft, "%s/.draft-%ld", folder, syscall(SYS_gettid));
    snprintf(image, sizeof image, "%s/%s", folder, name);
    int copy = open(draft, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (copy < 0)
        abort();
    off_t at = 0;
    for (ssize_t got; (got = pread(fd, block, sizeof block, at)) > 0; at += got)
        if (write(copy, block, (size_t)got) != got)
            abort();
    close(copy);
    if (rename(draft, image) != 0)
        abort();
}

static void report(const char *line)
{
    const char *fd = getenv("FLUSH_REPORT_FD");
    if (fd && write(atoi(fd), line, strlen(line)) < 0)
        abort();
}

static int flush(const char *name, int fd)
{
    const char *fail = getenv("FLUSH_FAIL_WHILE_EXISTS");
    if (fail && access(fail, F_OK) == 0) {
        report("flush failed\n");
        errno = EIO;
        return -1;
    }
    const char *sleep_us = getenv("FLUSH_SLEEP_US");
    if (sleep_us)
        usleep((useconds_t)atoi(sleep_us));
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    int result = real(fd);
    const char *folder = getenv("FLUSH_IMAGE_FOLDER");
    if (result == 0 && folder)
        keep_image(folder, fd);
    report("flushed\n");
    return result;
}

int fsync(int fd) { return flush("fsync", fd); }
int fdatasync(int fd) { return flush("fdatasync", fd); }
