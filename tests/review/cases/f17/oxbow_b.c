/* oxbow: a cache of transforms; the library is reloaded when its file changes. */
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

struct transform {
	void  *lib;
	time_t mtime;
	void *(*make)(const char *params);
	void  (*apply)(void *self, float *x, int n);
	void  (*destroy)(void *self);
	void  *self;
};

static int bind_all(struct transform *t)
{
	t->make = dlsym(t->lib, "xf_make");  //! none
	t->apply = dlsym(t->lib, "xf_apply");  //! none
	t->destroy = dlsym(t->lib, "xf_destroy");  //! none
	return t->make && t->apply && t->destroy ? 0 : -1;  //! none
}

int xf_reload(struct transform *t, const char *path, const char *params)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return -errno;
	if (t->lib && st.st_mtime == t->mtime)
		return 0;
	if (t->lib) {
		t->destroy(t->self);  //! none
		dlclose(t->lib);  //! none
		t->lib = NULL;
	}
	t->lib = dlopen(path, RTLD_NOW | RTLD_LOCAL);  //! none
	if (!t->lib) {
		fprintf(stderr, "oxbow: cannot open %s: %s\n", path, dlerror());
		return -1;
	}
	if (bind_all(t) != 0) {
		dlclose(t->lib);  //! none
		t->lib = NULL;
		return -1;
	}
	t->self = t->make(params);
	if (!t->self) {
		dlclose(t->lib);  //! none
		t->lib = NULL;
		return -1;
	}
	t->mtime = st.st_mtime;
	return 0;
}

void xf_apply(struct transform *t, float *x, int n)
{
	if (t->lib)
		t->apply(t->self, x, n);
}
