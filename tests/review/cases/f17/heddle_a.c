/* heddle: weaves expressions with user functions from extensions. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef double (*ufn)(int argc, const double *argv);

struct ufun {
	struct ufun *next;
	const char  *name;
	ufn          call;
	void        *owner;
};

struct ext {
	void *lib;
	const struct {
		const char *name;
		ufn call;
	} *tab;
	int n;
};

static struct ufun *table;

static int enter(const char *name, ufn call, void *owner)
{
	struct ufun *u = malloc(sizeof *u);

	if (!u)
		return -1;
	u->name = name;
	u->call = call;
	u->owner = owner;
	u->next = table;
	table = u;
	return 0;
}

int ext_open(struct ext *x, const char *file)
{
	const int *n;
	int i;

	if (file[0] != '/')
		return -1;
	x->lib = dlopen(file, RTLD_NOW | RTLD_GLOBAL);
	if (!x->lib)
		return -1;
	x->tab = dlsym(x->lib, "heddle_functions");
	n = dlsym(x->lib, "heddle_count");
	if (!x->tab || !n) {
		dlclose(x->lib);
		return -1;
	}
	x->n = *n;
	for (i = 0; i < x->n; i++)
		if (enter(x->tab[i].name, x->tab[i].call, x->lib) != 0) {
			dlclose(x->lib);  //! CWE-416
			return -1;
		}
	return 0;
}

void ext_close(struct ext *x)
{
	dlclose(x->lib);  //! CWE-416
	x->lib = NULL;
}

double heddle_call(const char *name, int argc, const double *argv)
{
	struct ufun *u;

	for (u = table; u; u = u->next)
		if (strcmp(u->name, name) == 0)
			return u->call(argc, argv);
	return 0.0;
}
