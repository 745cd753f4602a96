/* vaultkey: token library with slots; the list of slots is asked in two steps. */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef unsigned long rv_t;
struct fn_list {
	uint8_t major, minor;
	rv_t (*init)(void *);
	rv_t (*slots)(unsigned char present, unsigned long *list, unsigned long *n);
	rv_t (*fini)(void *);
};

static int trusted(const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return 0;
	return st.st_uid == 0 && !(st.st_mode & (S_IWGRP | S_IWOTH));
}

int list_slots(const char *module, unsigned long **out, unsigned long *count)
{
	rv_t (*get)(struct fn_list **);
	struct fn_list *fl = NULL;
	unsigned long n = 0, *ids = NULL;
	void *h;
	int rc = -1;

	if (!trusted(module))
		return -1;
	h = dlopen(module, RTLD_NOW);  //! CWE-367
	if (!h)
		return -1;
	*(void **)&get = dlsym(h, "C_GetFunctionList");
	if (!get)
		goto out;
	get(&fl);
	if (fl->init(NULL) != 0)  //! CWE-252
		goto out;
	if (fl->slots(1, NULL, &n) != 0)
		goto out;
	ids = malloc(n * sizeof *ids);
	if (!ids || fl->slots(1, ids, &n) != 0)
		goto out;
	*out = ids;
	*count = n;
	fl->fini(NULL);
	rc = 0;
out:
	dlclose(h);
	return rc;
}
