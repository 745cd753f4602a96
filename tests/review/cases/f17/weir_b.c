/* weir: counters exported by probes, read by worker threads. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct probe {
	char name[32];
	void *lib;
	long (*sample)(void);
};

static struct probe probes[64];
static int nprobes;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static struct probe *find(const char *name)
{
	int i;

	for (i = 0; i < nprobes; i++)
		if (strcmp(probes[i].name, name) == 0)
			return &probes[i];
	return NULL;
}

int probe_add(const char *name, const char *path)
{
	struct probe p;

	if (strlen(name) >= sizeof p.name || path[0] != '/')
		return -1;
	strcpy(p.name, name);  //! none
	p.lib = dlopen(path, RTLD_NOW);  //! none
	if (!p.lib)
		return -1;
	*(void **)&p.sample = dlsym(p.lib, "sample");  //! none
	if (!p.sample) {
		dlclose(p.lib);  //! none
		return -1;
	}
	pthread_mutex_lock(&lock);
	if (nprobes == 64) {
		pthread_mutex_unlock(&lock);
		dlclose(p.lib);  //! none
		return -1;
	}
	probes[nprobes++] = p;
	pthread_mutex_unlock(&lock);
	return 0;
}

int probe_read(const char *name, long *v)
{
	struct probe *p;

	pthread_mutex_lock(&lock);
	p = find(name);
	if (p)
		*v = p->sample();
	pthread_mutex_unlock(&lock);
	return p ? 0 : -1;
}

int probe_drop(const char *name)
{
	struct probe *p;

	pthread_mutex_lock(&lock);
	p = find(name);
	if (p) {
		dlclose(p->lib);  //! none
		*p = probes[--nprobes];
	}
	pthread_mutex_unlock(&lock);
	return p ? 0 : -1;
}
