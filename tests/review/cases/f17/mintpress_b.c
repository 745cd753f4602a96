/* mintpress: print filters; the table of a filter is copied by the host. */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct filter_v2 {
	uint32_t size;
	uint32_t version;
	int (*start)(void *job);
	int (*page)(void *job, const void *data, size_t n);
	int (*finish)(void *job);
	int (*cancel)(void *job);        /* since version 2 */
};

struct filter {
	void *lib;
	struct filter_v2 ops;
};

int filter_load(struct filter *f, const char *name)
{
	char path[256];
	const struct filter_v2 *t;
	int n;

	if (strchr(name, '/') || name[0] == '.')
		return -1;
	n = snprintf(path, sizeof path, "/usr/lib/mintpress/%s.so", name);
	if (n < 0 || (size_t)n >= sizeof path)
		return -1;
	f->lib = dlopen(path, RTLD_NOW | RTLD_LOCAL);  //! none
	if (f->lib == NULL)
		return -1;
	t = dlsym(f->lib, "mint_filter");  //! none
	if (t == NULL || t->version < 1 || t->version > 2) {
		dlclose(f->lib);  //! none
		f->lib = NULL;
		return -1;
	}
	memset(&f->ops, 0, sizeof f->ops);
	memcpy(&f->ops, t, t->size < sizeof f->ops ? t->size : sizeof f->ops);  //! none
	if (!f->ops.start || !f->ops.page || !f->ops.finish) {
		dlclose(f->lib);  //! none
		f->lib = NULL;
		return -1;
	}
	return 0;
}

int filter_run(struct filter *f, void *job, const void *d, size_t n)
{
	if (f->ops.start(job) != 0)
		return -1;
	if (f->ops.page(job, d, n) != 0) {
		if (f->ops.cancel)
			f->ops.cancel(job);
		return -1;
	}
	return f->ops.finish(job);
}

void filter_drop(struct filter *f)
{
	if (f->lib)
		dlclose(f->lib);  //! none
	memset(f, 0, sizeof *f);
}
