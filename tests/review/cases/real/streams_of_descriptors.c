/* A stream that is made of a descriptor closes it, and whoever has the stream needs no close of its own. */
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/stat.h>
#include <unistd.h>

int is_ours(const struct stat *st);
void try_file(int folder, const char *name);

int scan(const char *where)
{
	struct stat st;
	struct dirent *e;
	DIR *d;
	int fd = open(where, O_RDONLY | O_DIRECTORY);

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) != 0 || !is_ours(&st) || (d = fdopendir(fd)) == NULL) {
		close(fd);
		return -1;
	}
	while ((e = readdir(d)) != NULL)
		try_file(dirfd(d), e->d_name);
	closedir(d);
	return 0; //! none
}

void *load(void)
{
	return dlopen("libscan.so.1", RTLD_NOW);
}
