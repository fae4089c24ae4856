/* The program that an AppImage of type 2 begins with; a squashfs image follows it in the file.
 *
 * It mounts the image through FUSE and becomes the image's AppRun. Where FUSE can't be had, it
 * unpacks the image into a folder, runs AppRun from there and deletes the folder again. Options
 * and variables are those of the AppImage specification; see HELP.
 *
 * Linked statically with squashfuse (BSD-2-Clause) and libfuse (LGPL-2.1); build.py has the line.
 */
#define _GNU_SOURCE
#define FUSE_USE_VERSION 32

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <squashfuse/ll.h>
#include <squashfuse/squashfuse.h>

#define HELP \
    "--appimage-extract           unpack into squashfs-root\n" \
    "--appimage-extract-and-run   run without FUSE, as APPIMAGE_EXTRACT_AND_RUN=1 does\n" \
    "--appimage-offset            print where the image begins\n" \
    "--appimage-help              print this\n"
#define READY 'r'
#define BLOCK (1 << 20)

static int fail(const char *what)
{
    fprintf(stderr, "AppImage: %s (%s).\n", what, strerror(errno));
    return 127;
}

/* Bytes of this program itself: its section headers come last. 0 if it can't be read. */
static size_t own_size(const char *path)
{
    Elf64_Ehdr header;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = file < 0 ? 0 : read(file, &header, sizeof header);
    if (file >= 0)
        close(file);
    if (got != sizeof header)
        return 0;
    return header.e_shoff + (size_t)header.e_shentsize * header.e_shnum;
}

/* Answers the kernel's requests until nobody holds the other end of `alive`. */
static void serve(sqfs_ll_chan *channel, int alive)
{
    struct fuse_buf buffer = {0};
    struct pollfd waiting[] = {{fuse_session_fd(channel->session), POLLIN, 0}, {alive, POLLIN, 0}};
    while (!fuse_session_exited(channel->session)) {
        if (poll(waiting, 2, -1) < 0 && errno != EINTR)
            break;
        if (waiting[1].revents)
            break;
        if (waiting[0].revents) {
            int got = fuse_session_receive_buf(channel->session, &buffer);
            if (got == 0 || (got < 0 && got != -EINTR))
                break;
            if (got > 0)
                fuse_session_process_buf(channel->session, &buffer);
        }
    }
    free(buffer.mem);
}

static void mount_and_serve(const char *path, size_t offset, const char *folder, int ready, int alive)
{
    struct fuse_lowlevel_ops answers = {
        .getattr = sqfs_ll_op_getattr,
        .opendir = sqfs_ll_op_opendir,
        .releasedir = sqfs_ll_op_releasedir,
        .readdir = sqfs_ll_op_readdir,
        .lookup = sqfs_ll_op_lookup,
        .open = sqfs_ll_op_open,
        .release = sqfs_ll_op_release,
        .read = sqfs_ll_op_read,
        .readlink = sqfs_ll_op_readlink,
        .forget = sqfs_ll_op_forget,
        .statfs = stfs_ll_op_statfs,
    };
    char *words[] = {"mmgpt-desktop", "-o", "ro,nodev,nosuid,subtype=squashfuse"};
    struct fuse_args arguments = FUSE_ARGS_INIT(3, words);
    sqfs_ll_chan channel;
    sqfs_ll *image;
    int nothing = open("/dev/null", O_RDWR);

    setsid(); /* Ctrl+C is for the app; what it reads from here must outlive it */
    for (int stream = 0; stream < 3; stream++)
        dup2(nothing, stream);
    image = sqfs_ll_open(path, offset);
    if (image && sqfs_ll_mount(&channel, folder, &arguments, &answers, sizeof answers, image) == SQFS_OK) {
        char word = READY;
        if (write(ready, &word, 1) == 1) {
            close(ready);
            serve(&channel, alive);
        }
        sqfs_ll_unmount(&channel, folder);
    }
    rmdir(folder);
    _exit(0);
}

/* 0 when the image is mounted on `folder`; it stays so while this process lives on. */
static int mount_image(const char *path, size_t offset, const char *folder)
{
    int ready[2], alive[2];
    char word = 0;
    pid_t child;
    if (pipe2(ready, O_CLOEXEC) || pipe(alive)) /* the app inherits `alive` */
        return -1;
    child = fork();
    if (child == 0) {
        if (fork() == 0) { /* nobody's child: the app waits for its own alone */
            close(ready[0]);
            close(alive[1]);
            mount_and_serve(path, offset, folder, ready[1], alive[0]);
        }
        _exit(0);
    }
    close(ready[1]);
    close(alive[0]);
    if (child > 0)
        waitpid(child, NULL, 0);
    if (read(ready[0], &word, 1) != 1)
        word = 0;
    close(ready[0]);
    if (word == READY)
        return 0;
    close(alive[1]);
    return -1;
}

static int write_file(sqfs *image, sqfs_inode *inode, const char *path, mode_t mode)
{
    static char block[BLOCK];
    sqfs_off_t place = 0, count = 0;
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode | S_IWUSR);
    int bad = file < 0;
    do {
        count = BLOCK;
        bad = bad || sqfs_read_range(image, inode, place, &count, block) != SQFS_OK
            || write(file, block, count) != count;
        place += count;
    } while (!bad && count > 0);
    if (file >= 0 && close(file))
        bad = 1;
    return bad ? -1 : chmod(path, mode);
}

static int write_entry(sqfs *image, sqfs_traverse *walk, const char *folder)
{
    char path[PATH_MAX], target[PATH_MAX];
    size_t length = sizeof target;
    sqfs_inode inode;
    if (snprintf(path, sizeof path, "%s/%s", folder, walk->path) >= (int)sizeof path)
        return -1;
    if (sqfs_inode_get(image, &inode, sqfs_dentry_inode(&walk->entry)) != SQFS_OK)
        return -1;
    if (S_ISDIR(inode.base.mode))
        return mkdir(path, 0755);
    if (S_ISLNK(inode.base.mode))
        return sqfs_readlink(image, &inode, target, &length) == SQFS_OK ? symlink(target, path) : -1;
    return S_ISREG(inode.base.mode) ? write_file(image, &inode, path, inode.base.mode & 0777) : 0;
}

static int extract(const char *path, size_t offset, const char *folder)
{
    sqfs image;
    sqfs_fd_t file;
    sqfs_traverse walk;
    sqfs_err error = SQFS_OK;
    int bad = sqfs_fd_open(path, &file, true) != SQFS_OK || sqfs_init(&image, file, offset) != SQFS_OK
        || sqfs_traverse_open(&walk, &image, sqfs_inode_root(&image)) != SQFS_OK;
    while (!bad && sqfs_traverse_next(&walk, &error))
        bad = !walk.dir_end && write_entry(&image, &walk, folder);
    return bad || error != SQFS_OK ? -1 : 0;
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status, (void)kind, (void)place;
    return remove(path);
}

static int become(const char *folder, const char *path, char **arguments)
{
    char program[PATH_MAX], *before = getcwd(NULL, 0);
    snprintf(program, sizeof program, "%s/AppRun", folder);
    setenv("APPIMAGE", path, 1);
    setenv("APPDIR", folder, 1);
    setenv("ARGV0", arguments[0], 1);
    setenv("OWD", before ? before : "/", 1);
    execv(program, arguments);
    return fail("its program can't be started");
}

static int extract_and_run(const char *path, size_t offset, const char *folder, char **arguments)
{
    int status = 0;
    pid_t child;
    if (extract(path, offset, folder)) {
        fail("it can't be unpacked");
        status = 127 << 8;
    } else if ((child = fork()) == 0) {
        _exit(become(folder, path, arguments));
    } else {
        signal(SIGINT, SIG_IGN); /* the app decides what it means */
        while (waitpid(child, &status, 0) < 0 && errno == EINTR)
            ;
    }
    nftw(folder, remove_entry, 32, FTW_DEPTH | FTW_PHYS);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int main(int count, char **arguments)
{
    const char *parent = getenv("TMPDIR"), *option = count > 1 ? arguments[1] : "";
    int unpack = getenv("APPIMAGE_EXTRACT_AND_RUN") != NULL;
    char path[PATH_MAX] = {0}, folder[PATH_MAX];
    size_t offset;

    if (readlink("/proc/self/exe", path, sizeof path - 1) < 0 || !(offset = own_size(path)))
        return fail("it can't read itself");
    if (!strcmp(option, "--appimage-offset"))
        return printf("%zu\n", offset) < 0;
    if (!strcmp(option, "--appimage-help"))
        return fputs(HELP, stdout) < 0;
    if (!strcmp(option, "--appimage-extract")) {
        if (mkdir("squashfs-root", 0755) || extract(path, offset, "squashfs-root"))
            return fail("it can't be unpacked");
        return 0;
    }
    if (!strcmp(option, "--appimage-extract-and-run")) {
        arguments[1] = arguments[0];
        arguments++;
        unpack = 1;
    }
    snprintf(folder, sizeof folder, "%s/.mount_mmgptXXXXXX", parent && *parent ? parent : "/tmp");
    if (!mkdtemp(folder))
        return fail("it can't make a folder");
    if (!unpack && mount_image(path, offset, folder) == 0)
        return become(folder, path, arguments);
    mkdir(folder, 0700); /* a mount that failed took it away */
    return extract_and_run(path, offset, folder, arguments);
}
